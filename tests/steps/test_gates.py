"""Gates: what they let through and what they stop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steps.gate_dataset import gate_dataset
from steps.gate_model import gate_model
from vision.errors import GateStopped
from vision.evaluation import EvaluationReport
from vision.validation.report import Gate, ValidationReport

pytestmark = pytest.mark.unit

PASSED = Gate(name="accuracy", passed=True, value=0.98, rule=">= 0.97")
FAILED = Gate(name="macro_f1", passed=False, value=0.5, rule=">= 0.96")


def _evaluation(*gates: Gate) -> EvaluationReport:
    nothing = pd.DataFrame()
    return EvaluationReport("test", ("a", "b"), {}, nothing, np.zeros((2, 2), int), nothing, gates)


def test_a_dataset_that_passes_goes_on() -> None:
    report = ValidationReport(validator="v", gates=(PASSED,))
    verdict = gate_dataset.entrypoint(report)
    assert (verdict.subject, verdict.gates) == ("dataset", (PASSED,))


def test_a_dataset_that_fails_is_stopped() -> None:
    report = ValidationReport(validator="v", gates=(PASSED, FAILED))
    with pytest.raises(GateStopped, match=r"^macro_f1 = 0\.5, required >= 0\.96$") as stopped:
        gate_dataset.entrypoint(report)
    assert stopped.value.gates == (PASSED, FAILED)


def test_without_rules_nothing_is_stopped() -> None:
    assert gate_dataset.entrypoint(ValidationReport(validator="v")).gates == ()
    assert gate_model.entrypoint(_evaluation()).gates == ()


def test_a_model_is_judged_by_every_gate() -> None:
    assert gate_model.entrypoint(_evaluation(PASSED)).subject == "model"
    with pytest.raises(GateStopped, match="macro_f1"):
        gate_model.entrypoint(_evaluation(PASSED, FAILED))
