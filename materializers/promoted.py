"""A change of the champion and how it is kept: as JSON, shown as a page."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import page, paragraph
from vision.bundles.promoted import Promoted

PROMOTED_FILE = "promoted.json"
PAGE_FILE = "promoted.html"


class PromotedMaterializer(FileMaterializer):
    """``promoted.json`` and a page with a sentence."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Promoted,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.SERVICE

    def save(self, data: Promoted) -> None:
        """Writes the change."""
        self.write(PROMOTED_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> Promoted:
        """Reads the change."""
        return Promoted.model_validate_json(self.read(PROMOTED_FILE))

    def save_visualizations(self, data: Promoted) -> dict[str, VisualizationType]:
        """Shows the champion and the one before."""
        before = f" The champion before: {data.former}." if data.former else ""
        since = (
            f"{data.version} is the champion of {data.model} since {data.at:%Y-%m-%d %H:%M} UTC."
        )
        shown = page(f"Champion: {data.version}", paragraph(since + before))
        return {self.write(PAGE_FILE, shown.encode()): VisualizationType.HTML}

    def extract_metadata(self, data: Promoted) -> dict[str, Any]:
        """Gives the versions."""
        return {
            "model": data.model,
            "champion": data.version,
            "former": data.former or "none",
            "number": data.number,
            "is_new": data.is_new,
        }

    def compute_content_hash(self, data: Promoted) -> str:
        """Hashes the change."""
        return content_hash(data.model_dump_json())
