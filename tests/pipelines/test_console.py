"""Which lines of ZenML's log a person sees."""

from __future__ import annotations

import logging

import pytest

from pipelines.console import _Selection
from vision.errors import GateStopped, ModelError

pytestmark = pytest.mark.unit


def _record(name: str, level: int, text: str, error: Exception | None = None) -> logging.LogRecord:
    caught = (type(error), error, None) if error else None
    return logging.LogRecord(name, level, __file__, 1, text, (), caught)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "level", "text", "is_shown"),
    [
        ("zenml.orchestrators.step_launcher", logging.INFO, "Step `a` has started.", True),
        ("zenml.orchestrators.step_run_utils", logging.INFO, "Using cached version of", True),
        ("zenml.pipelines.pipeline_definition", logging.INFO, "Using stack: `local`", False),
        ("alembic.runtime.migration", logging.INFO, "Context impl SQLiteImpl.", False),
        ("zenml.stack", logging.WARNING, "Skipping step b due to the failed step(s)", False),
        ("zenml.stack", logging.WARNING, "something to know", True),
        ("mlflow", logging.ERROR, "something broke", True),
    ],
)
def test_selection(name: str, level: int, text: str, is_shown: bool) -> None:
    if text.startswith("Using cached"):
        text = "Using cached version of step `a`."
    assert _Selection().filter(_record(name, level, text)) is is_shown


@pytest.mark.parametrize("error", [GateStopped(()), ModelError("foreseen")])
def test_a_foreseen_failure_is_told_by_the_report_alone(error: Exception) -> None:
    record = _record("zenml.orchestrators.local", logging.ERROR, "Step a failed.", error)
    assert _Selection().filter(record) is False


def test_a_defect_is_shown() -> None:
    record = _record("zenml.orchestrators.local", logging.ERROR, "Step a failed.", KeyError("x"))
    assert _Selection().filter(record) is True


def test_what_fails_because_of_an_interrupt_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.console.is_interrupted", lambda: True)
    record = _record("zenml.orchestrators.local", logging.ERROR, "Step a failed.", KeyError("x"))
    assert _Selection().filter(record) is False
    warned = _record("zenml.stack", logging.WARNING, "something to know")
    assert _Selection().filter(warned) is True
