"""A gate's verdict and how it is kept: as JSON, shown as a table."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import page, paragraph, table
from vision.validation.report import Gate

VERDICT_FILE = "verdict.json"
PAGE_FILE = "verdict.html"


class GateVerdict(BaseModel):
    """What a gate that let the pipeline go on has judged.

    Attributes:
      subject: what was judged, ``dataset`` or ``model``.
      gates: every rule with its value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    gates: tuple[Gate, ...]


class GateVerdictMaterializer(FileMaterializer):
    """``verdict.json`` and a table of the rules."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (GateVerdict,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: GateVerdict) -> None:
        """Writes the verdict."""
        self.write(VERDICT_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> GateVerdict:
        """Reads the verdict."""
        return GateVerdict.model_validate_json(self.read(VERDICT_FILE))

    def save_visualizations(self, data: GateVerdict) -> dict[str, VisualizationType]:
        """Shows each rule with its value."""
        shown = page(f"Gate: {data.subject}", gate_table(data.gates))
        return {self.write(PAGE_FILE, shown.encode()): VisualizationType.HTML}

    def extract_metadata(self, data: GateVerdict) -> dict[str, Any]:
        """Gives each gate as a sentence."""
        return {
            "passed": all(gate.passed for gate in data.gates),
            "gates": [gate.sentence for gate in data.gates],
        }

    def compute_content_hash(self, data: GateVerdict) -> str:
        """Hashes the verdict."""
        return content_hash(data.model_dump_json())


def gate_table(gates: tuple[Gate, ...]) -> str:
    """Returns the gates as an HTML table, or a sentence where the configuration has none."""
    if not gates:
        return paragraph("The configuration sets no rule here, so nothing was stopped.")
    rows = (
        (gate.name, gate.value, gate.rule, "passed" if gate.passed else "failed") for gate in gates
    )
    return table(("gate", "value", "rule", "result"), rows)
