"""What monitoring found, for machines: what counts is what users are served by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.monitoring_entry import MonitoringEntry
from vision.monitoring.report import MonitoringReport, Verdict, VersionReport

pytestmark = pytest.mark.unit

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)


def entry_of(*verdicts: Verdict, replaced: Verdict | None = None) -> MonitoringEntry:
    """Returns the entry of versions v1, v2 and so on, and of a v0 that was replaced."""
    parts = [
        VersionReport(name="digits", version=f"v{place}", verdict=verdict, problem="it is gone")
        for place, verdict in enumerate(verdicts, 1)
    ]
    if replaced is not None:
        replaced_part = {"version": "v0", "verdict": replaced, "served_until": TIME}
        said = {"n_predictions": 3, "problem": "it is gone", "next_move": "Nothing to do."}
        parts.append(VersionReport.model_validate({"name": "digits", **replaced_part, **said}))
    report = MonitoringReport(
        name="digits", created_at=TIME, since=TIME, until=TIME, versions=tuple(parts)
    )
    return MonitoringEntry.of(report, "", "", "")


def test_drift_of_the_last_version_and_of_a_canary_counts() -> None:
    assert entry_of("drift", "ok").has_drift
    assert entry_of("ok", "drift").has_drift


@pytest.mark.parametrize("verdict", ["drift", "error", "too_few"])
def test_a_version_that_was_replaced_is_shown_and_decides_nothing(verdict: Verdict) -> None:
    entry = entry_of("ok", replaced=verdict)
    assert (entry.verdict, entry.has_drift, entry.problems) == ("ok", False, "")
    assert entry.versions[1].served_until == TIME
    assert entry.rows()[2] == ("v0", f"{verdict}: 3 predictions. it is gone. Nothing to do.")


def test_a_served_version_that_cannot_be_checked_is_named() -> None:
    assert entry_of("ok", "error", replaced="error").problems == "digits v2: it is gone"
