"""Reports of every kind, for the tests of the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

from tests.vision.monitoring.traffic import (
    DRIFT,
    END,
    Drawn,
    batch_of,
    class_names,
    read,
    reference_set,
)
from vision.drift.names import VIEWS
from vision.drift.result import DriftResult, ViewTest
from vision.monitoring.evidence import Evidence
from vision.monitoring.report import HistoryEntry, MonitoringReport, VersionReport
from vision.monitoring.verdict import failed_version, judge_version

_DETECTORS = {"classes": "chi_squared"}
NOW = END.replace(tzinfo=UTC)
ODD_NAMES = (
    "<script>alert(1)</script><b>&amp;",
    "a" * 400,
    "x\u202ey\n\0" + "W" * 30,
    "日本語の名前" * 9,
)


def result(ratio: float) -> DriftResult:
    """Returns tests of every view whose p-values are that part of their thresholds."""
    tests = [
        ViewTest(
            view, "chi_squared" if view == "classes" else "ks", size, 0.3, ratio * 0.001, 0.001
        )
        for view in VIEWS
        for size in DRIFT.windows
    ]
    return DriftResult(100, tuple(tests))


def version_report(
    classes: tuple[str, ...] = class_names(3),
    *,
    n: int = 400,
    ratio: float = 50.0,
    only: Sequence[int] | None = None,
    images: Sequence[str | None] | None = None,
    version: str = "v1",
    labelled: float = 0.3,
) -> VersionReport:
    """Returns the report of one version, with made-up tests on real numbers."""
    k = len(classes)
    reference = reference_set(300, k)
    drawn = Drawn(n, k, seed=1, only=only, shift=0.0 if ratio > 1 else 0.6)
    period = read(
        classes,
        batch_of(drawn, classes, hours=0.4, labelled=labelled, images=images),
        reference=reference,
    )
    mmd = ViewTest("uae", "mmd", 100, 0.1, min(1.0, 0.001 * ratio), 0.001)
    evidence = Evidence(
        result(ratio),
        (mmd,),
        {day: result(ratio * 10 ** (day.day % 3)) for day in period.windows},
        {"brightness": "the validator says <i>0.4</i>"},
    )
    return judge_version(
        "pets", version, period, evidence, reference, expected_accuracy=0.9, n_least=20
    )


def report_of(
    *versions: VersionReport, history: tuple[HistoryEntry, ...] = (), name: str = "pets"
) -> MonitoringReport:
    """Returns the report of a run."""
    return MonitoringReport(
        name=name,
        created_at=NOW,
        since=NOW - timedelta(days=7),
        until=NOW,
        versions=versions,
        history=history,
    )


def every_report() -> dict[str, MonitoringReport]:
    """Returns a report of each kind by what is special about it."""
    ok = report_of(version_report())
    return {
        "ok": ok,
        "drift": report_of(
            version_report(ratio=1e-9),
            failed_version("pets", "v0", 100, "the bundle is gone"),
            history=ok.entries() * 40,
        ),
        "no_traffic": report_of(),
        "too_few": report_of(version_report(n=12)),
        "one_class": report_of(version_report(only=[1], labelled=0.0)),
        "hundred": report_of(version_report(tuple(f"species {n}" for n in range(100)), n=1_500)),
        "odd_names": report_of(
            version_report(ODD_NAMES, version="<i>v</i>"), name="<h1>" + "n" * 300
        ),
    }
