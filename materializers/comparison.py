"""A comparison of two models and how it is kept: as JSON, shown as a page and a chart."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import heading, image, page, paragraph, table
from vision.comparison.comparison import Comparison
from vision.comparison.figures import slice_chart

COMPARISON_FILE = "comparison.json"
PAGE_FILE = "comparison.html"

_MEANINGS = {
    "promote": "The challenger may replace the champion.",
    "reject": "The champion stays.",
    "inconclusive": "It cannot be told: the champion stays unless somebody approves.",
}
_RESULTS = {"promote": "passed", "reject": "failed", "inconclusive": "undecided"}


class ComparisonMaterializer(FileMaterializer):
    """``comparison.json`` and a page with every rule."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Comparison,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: Comparison) -> None:
        """Writes everything that was measured."""
        self.write(COMPARISON_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> Comparison:
        """Reads it."""
        return Comparison.model_validate_json(self.read(COMPARISON_FILE))

    def save_visualizations(self, data: Comparison) -> dict[str, VisualizationType]:
        """Shows verdict, rules and classes."""
        return {self.write(PAGE_FILE, comparison_page(data).encode()): VisualizationType.HTML}

    def extract_metadata(self, data: Comparison) -> dict[str, Any]:
        """Gives the verdict and each reason as a sentence."""
        return {
            "verdict": data.verdict,
            "challenger": data.challenger,
            "champion": data.champion or "none",
            "reasons": [f"{reason.verdict}: {reason.sentence}" for reason in data.reasons],
        }

    def compute_content_hash(self, data: Comparison) -> str:
        """Hashes everything that was measured."""
        return content_hash(data.model_dump_json())


def comparison_page(data: Comparison) -> str:
    """Returns the comparison as a complete HTML page."""
    against = f"against champion {data.champion}" if data.champion else "without a champion"
    rows = ((each.rule, _RESULTS[each.verdict], each.sentence) for each in data.reasons)
    parts = [
        paragraph(f"{data.name}: challenger {data.challenger} {against}."),
        paragraph(_MEANINGS[data.verdict]),
        heading("Rules"),
        table(("rule", "result", "what was found"), rows),
    ]
    if data.slices:
        chart = slice_chart(data)
        parts += [heading("Classes"), image(chart, "Recall of each class, before and after")]
    return page(f"Verdict: {data.verdict}", *parts)
