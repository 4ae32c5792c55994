"""Stops the pipeline where the dataset breaks a rule of the configuration."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from materializers.gate_verdict import GateVerdict
from steps.caching import by_content, code_of
from vision.errors import GateStopped
from vision.validation.report import ValidationReport

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.gate_verdict.GateVerdictMaterializer",
)
def gate_dataset(report: ValidationReport) -> Annotated[GateVerdict, "dataset_verdict"]:
    """Lets the pipeline go on when every condition holds.

    A step of its own, so that the report of a dataset that is refused is kept.

    Raises:
      GateStopped: a condition of ``validation.fail_on`` is met.
    """
    if not report.passed:
        raise GateStopped(report.gates)
    return GateVerdict(subject="dataset", gates=report.gates)
