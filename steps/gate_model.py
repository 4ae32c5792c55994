"""Stops the pipeline where the model misses a minimum of the configuration."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from materializers.gate_verdict import GateVerdict
from steps.caching import by_content, code_of
from vision.errors import GateStopped
from vision.evaluation import EvaluationReport

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.gate_verdict.GateVerdictMaterializer",
)
def gate_model(report: EvaluationReport) -> Annotated[GateVerdict, "model_verdict"]:
    """Lets the pipeline go on when every metric reaches its minimum.

    Raises:
      GateStopped: a minimum of ``evaluation.gate`` is missed.
    """
    if not report.passed:
        raise GateStopped(report.gates)
    return GateVerdict(subject="model", gates=report.gates)
