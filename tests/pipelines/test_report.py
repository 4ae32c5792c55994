"""What a report says to machines and to people."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

import run
from pipelines.monitoring_entry import MonitoringEntry
from pipelines.report import FindingEntry, ModelName, RunLink, RunReport
from vision.monitoring.report import MonitoringReport, VersionReport
from vision.validation.report import Finding, Gate

pytestmark = pytest.mark.unit


@pytest.fixture
def report() -> RunReport:
    finding = Finding(
        check="corrupt_images", severity="error", message="2 files", images=("a.png", "b.png")
    )
    return RunReport(
        pipeline="training",
        status="stopped",
        pipeline_run=RunLink(id="p1", url="http://127.0.0.1:8237/p1"),
        tracking_run=RunLink(id="t1"),
        metrics={"accuracy": 0.98765, "auc": None},
        gates=(
            Gate(name="accuracy", passed=True, value=0.98765, rule=">= 0.97"),
            Gate(name="drift", passed=False, value=math.nan, rule="<= 0.2"),
        ),
        model=ModelName(name="digits", version="v1"),
        bundle="/b",
        seconds={"load_dataset": 1.25, "train_model": 2.0},
        findings=(FindingEntry.of(finding),),
        error="not told to machines",
    )


def test_the_keys_are_those_that_are_promised(report: RunReport) -> None:
    written = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(written) == [
        "pipeline", "status", "pipeline_run", "tracking_run", "metrics", "gates", "model",
        "bundle", "seconds", "findings", "left_out", "monitoring",
        "deployment",
    ]  # fmt: skip
    assert written["monitoring"] is None
    assert written["pipeline_run"] == {"id": "p1", "url": "http://127.0.0.1:8237/p1"}
    assert written["tracking_run"] == {"id": "t1", "url": None}
    assert written["findings"] == [
        {
            "check": "corrupt_images",
            "severity": "error",
            "n_images": 2,
            "images": ["a.png", "b.png"],
        }
    ]


def test_what_is_no_number_is_null(report: RunReport) -> None:
    written = report.to_json()
    assert written["metrics"] == {"accuracy": 0.98765, "auc": None}
    assert [gate["value"] for gate in written["gates"]] == [0.98765, None]


def test_an_empty_report_has_every_key() -> None:
    written = RunReport(pipeline="training", status="failed").to_json()
    assert written["model"] == {"name": None, "version": None}
    assert written["pipeline_run"] == {"id": None, "url": None}
    assert (written["bundle"], written["gates"], written["seconds"]) == (None, [], {})


def test_the_summary_is_for_a_person(report: RunReport) -> None:
    lines = report.summary().splitlines()
    assert lines[0] == "training      stopped"
    assert "metrics       accuracy 0.9877, auc –" in lines
    assert "gate          passed accuracy = 0.98765, required >= 0.97" in lines
    assert "gate          FAILED drift = nan, required <= 0.2" in lines
    assert "finding       error: corrupt_images, 2 files, for example a.png" in lines
    assert "model         digits v1" in lines
    assert "seconds       3.2 in 2 steps" in lines
    assert "error         not told to machines" in lines
    assert all(len(line) <= 100 for line in lines)


def test_brackets_of_data_are_no_markup() -> None:
    report = RunReport(pipeline="training", status="failed", error="[red]a[/red] class [b]")
    assert "[red]a[/red] class [b]" in report.summary()


def test_a_finding_names_its_image_if_it_is_about_images() -> None:
    one = Finding(check="not_images", severity="warning", message="", images=("cat/x\ny.txt",))
    two = Finding(check="outlying_images", severity="warning", message="", images=("cat/x.jpg",))
    findings = tuple(map(FindingEntry.of, (one, two)))
    lines = RunReport(pipeline="training", status="failed", findings=findings).summary()
    assert r"finding   warning: not_images, 1 file: cat/x\ny.txt" in lines.splitlines()
    assert "finding   warning: outlying_images, 1 image: cat/x.jpg" in lines.splitlines()


def test_a_finding_without_images_says_what_it_found() -> None:
    message = "The classes are not those of the model in use: owl was added"
    changed = Finding(check="class_changes", severity="error", message=message)
    drift = Finding(check="label_drift", severity="info", message="In test,\n0.1", value=0.1)
    calm = Finding(check="new_labels", severity="info", message="None", value=0.0)
    report = RunReport(
        pipeline="training",
        status="stopped",
        findings=tuple(map(FindingEntry.of, (changed, drift, calm))),
        gates=(Gate(name="label_drift", passed=False, value=0.1, rule="<= 0.05"),),
    )
    lines = report.summary().splitlines()
    assert f"finding   error: class_changes: {message}" in lines
    # What is within its limit is told only where a gate stopped for it.
    assert r"finding   info: label_drift: In test,\n0.1" in lines
    assert "new_labels" not in report.summary()
    assert "message" not in report.to_json()["findings"][0]
    long = changed.model_copy(update={"message": "x" * 5_000})
    report = report.model_copy(update={"findings": (FindingEntry.of(long),)})
    assert len(report.summary()) < 1_000


@pytest.fixture
def watched() -> RunReport:
    now = datetime(2026, 1, 31, tzinfo=UTC)
    parts = (
        VersionReport(
            name="digits",
            version="v2",
            verdict="drift",
            n_predictions=1200,
            moved=("uae", "accuracy"),
            next_move="Look at the images.",
        ),
        VersionReport(name="digits", version="v1", verdict="error", problem="it is gone"),
    )
    found = MonitoringReport(name="digits", created_at=now, since=now, until=now, versions=parts)
    entry = MonitoringEntry.of(found, page="/r/x.html", note="", review="/v/review.csv")
    return RunReport(pipeline="monitoring", status="drift", monitoring=entry)


def test_monitoring_says_what_moved_and_what_to_do(watched: RunReport) -> None:
    lines = watched.summary().splitlines()
    assert lines[:6] == [
        "monitoring  drift",
        "verdict     error",
        "v2          drift: 1,200 predictions, moved: uae, accuracy. Look at the images.",
        "v1          error: 0 predictions. it is gone.",
        "report      /r/x.html",
        "review      /v/review.csv",
    ]
    assert run._EXIT_CODES[watched.status] == 4


def test_monitoring_for_machines(watched: RunReport) -> None:
    written = watched.to_json()["monitoring"]
    assert (written["name"], written["verdict"], written["page"]) == (
        "digits",
        "error",
        "/r/x.html",
    )
    assert written["versions"][0] == {
        "version": "v2",
        "verdict": "drift",
        "n_predictions": 1200,
        "moved": ["uae", "accuracy"],
        "accuracy": None,
        "estimated_accuracy": None,
        "next_move": "Look at the images.",
        "problem": "",
        "served_until": None,
    }


def test_drift_counts_where_another_version_could_not_be_checked(watched: RunReport) -> None:
    assert watched.monitoring is not None
    assert watched.monitoring.has_drift
    assert watched.monitoring.problems == "digits v1: it is gone"


def test_what_became_of_the_training_is_told(watched: RunReport) -> None:
    assert watched.retrained("") is watched
    assert "retraining  nothing was trained" in watched.retrained("nothing was trained").summary()
    trained = RunReport(
        pipeline="training", status="completed", model=ModelName(name="digits", version="v3")
    )
    said = watched.retrained(trained)
    assert said.status == "drift"
    assert said.monitoring is not None
    assert said.monitoring.retraining == "training completed: v3"


def test_training_that_made_nothing_says_why(watched: RunReport) -> None:
    def said(**values: Any) -> str:
        done = watched.retrained(RunReport(pipeline="training", **values))
        assert done.monitoring is not None
        return done.monitoring.retraining

    assert said(status="failed", error="step train_model:\nno room") == (
        r"training failed: step train_model:\nno room"
    )
    assert said(status="failed") == "training failed"
    gate = Gate(name="accuracy", passed=False, value=0.1, rule=">= 0.9")
    assert said(status="stopped", gates=(gate,)) == f"training stopped: {gate.sentence}"
