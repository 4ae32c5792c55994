"""What of a report reaches the tracking run, also where its step came from the cache."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from zenml.enums import ExecutionStatus

from steps import tracked_reports, tracking, validate_dataset
from steps.tracked_reports import log_cached_validation, log_monitoring
from steps.tracking import Tracker
from vision.config import ValidationConfig
from vision.monitoring.report import MonitoringReport
from vision.validation.report import Finding, ValidationReport

pytestmark = pytest.mark.unit

REPORT = ValidationReport(
    validator="ours",
    findings=(
        Finding(check="corrupt_images", severity="error", message="2 files"),
        Finding(check="label_drift", severity="warning", message="it drifts"),
        Finding(check="near_constant", severity="warning", message="1 file"),
    ),
    html="<html></html>",
)


class Recorder(Tracker):
    """Notes what is logged."""

    run_id = "1"

    def __init__(self) -> None:
        self.logged: list[tuple[object, ...]] = []

    def log_metrics(self, metrics: Any, epoch: int | None = None) -> None:
        self.logged.append((metrics, epoch))

    def log_tags(self, tags: Any) -> None:
        self.logged.append((tags,))

    def log_file(self, name: str, content: bytes) -> None:
        self.logged.append((name, content))


def _run_with(monkeypatch: pytest.MonkeyPatch, status: ExecutionStatus) -> None:
    artifact = SimpleNamespace(load=lambda: REPORT)
    step = SimpleNamespace(status=status, outputs={"validation_report": [artifact]})
    run = SimpleNamespace(steps={"validate_dataset": step})
    context = SimpleNamespace(pipeline_run=SimpleNamespace(id="run"))
    monkeypatch.setattr(tracked_reports, "get_step_context", lambda: context)
    client = SimpleNamespace(get_pipeline_run={"run": run}.__getitem__)
    monkeypatch.setattr(tracked_reports, "Client", lambda: client)


def test_a_cached_validation_is_logged_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _run_with(monkeypatch, ExecutionStatus.CACHED)
    tracker = Recorder()
    log_cached_validation(tracker)
    assert tracker.logged == [
        ("validation/report.html", b"<html></html>"),
        ({"findings_errors": 1, "findings_warnings": 2}, None),
    ]


def test_one_that_ran_has_logged_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _run_with(monkeypatch, ExecutionStatus.COMPLETED)
    tracker = Recorder()
    log_cached_validation(tracker)
    assert tracker.logged == []


def test_the_metrics_of_monitoring_are_those_of_the_version_that_answered_last() -> None:
    now = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
    parts = [
        {"name": "digits", "version": "v1", "verdict": "ok", "n_predictions": 900},
        {"name": "digits", "version": "v2", "verdict": "drift", "served_until": now},
    ]
    report = MonitoringReport.model_validate(
        {"name": "digits", "created_at": now, "since": now, "until": now, "versions": parts}
    )
    tracker = Recorder()
    log_monitoring(tracker, report, "<html></html>")
    numbers = {"drift": 0.0, "n_predictions": 900.0, "accuracy": None, "estimated_accuracy": None}
    assert tracker.logged == [
        ("monitoring/report.html", b"<html></html>"),
        ({"monitoring_verdict": "ok"},),
        ({"model_version": "digits/v1"},),
        (numbers, None),
    ]


def test_without_a_tracking_run_nothing_is_looked_up() -> None:
    log_cached_validation(Tracker())


def test_a_step_opens_its_tracking_run_before_it_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "current", lambda: opened.append(True))
    monkeypatch.setattr(validate_dataset, "find_problems", interrupt)
    with pytest.raises(KeyboardInterrupt):
        validate_dataset.validate_dataset.entrypoint(None, None, ValidationConfig())
    assert opened == [True]
