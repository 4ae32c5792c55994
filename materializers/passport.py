"""Keeps a passport: everything as JSON, and its page as HTML."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from vision.passport.page import write_page
from vision.passport.passport import Passport

PASSPORT_FILE = "passport.json"
PAGE_FILE = "passport.html"


class PassportMaterializer(FileMaterializer):
    """``passport.json`` and ``passport.html``, which follows from it."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Passport,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Passport) -> None:
        """Writes the JSON file."""
        self.write(PASSPORT_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> Passport:
        """Reads it."""
        return Passport.model_validate_json(self.read(PASSPORT_FILE))

    def save_visualizations(self, data: Passport) -> dict[str, VisualizationType]:
        """Shows the page."""
        return {self.write(PAGE_FILE, write_page(data).encode()): VisualizationType.HTML}

    def extract_metadata(self, data: Passport) -> dict[str, Any]:
        """Gives what dashboards are searched for; what is not known is left out."""
        known = {
            "commit": data.packed_with.commit,
            "data_revision": data.data.revision,
            "data_digest": data.data.digest,
            "verdict": data.comparison and data.comparison.verdict,
            "image": data.image and data.image.tag,
        }
        metrics = {each.name: each.value for each in data.evaluation.metrics}
        found = {name: value for name, value in (known | metrics).items() if value is not None}
        return {"model": data.name, "version": data.version, **found}

    def compute_content_hash(self, data: Passport) -> str:
        """Hashes everything but the page, which follows from it."""
        return content_hash(data.model_dump_json())
