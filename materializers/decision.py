"""The decision about a deployment and how it is kept: as JSON, shown as a page."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import page, paragraph
from vision.comparison.decision import Decision

DECISION_FILE = "decision.json"
PAGE_FILE = "decision.html"


class DecisionMaterializer(FileMaterializer):
    """``decision.json`` and a page with the sentence."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Decision,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Decision) -> None:
        """Writes the decision."""
        self.write(DECISION_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> Decision:
        """Reads the decision."""
        return Decision.model_validate_json(self.read(DECISION_FILE))

    def save_visualizations(self, data: Decision) -> dict[str, VisualizationType]:
        """Shows why."""
        shown = page(f"Deployment: {data.outcome}", paragraph(data.sentence))
        return {self.write(PAGE_FILE, shown.encode()): VisualizationType.HTML}

    def extract_metadata(self, data: Decision) -> dict[str, Any]:
        """Gives outcome and sentence."""
        return {"outcome": data.outcome, "verdict": data.verdict, "sentence": data.sentence}

    def compute_content_hash(self, data: Decision) -> str:
        """Hashes the decision."""
        return content_hash(data.model_dump_json())
