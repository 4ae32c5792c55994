"""The report as JSON, its verdict, and what later runs remember."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.vision.monitoring.pages import NOW, report_of, version_report
from vision.monitoring.report import VERDICTS, MonitoringReport, Verdict, VersionReport
from vision.monitoring.verdict import failed_version, silent_version

pytestmark = pytest.mark.unit


def of(verdict: Verdict) -> VersionReport:
    return VersionReport(name="pets", version="v1", verdict=verdict)


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        (("ok", "drift", "error"), "error"),
        (("ok", "drift", "no_traffic"), "drift"),
        (("ok", "too_few"), "too_few"),
        (("ok", "no_traffic"), "no_traffic"),
        (("ok", "ok"), "ok"),
        ((), "no_traffic"),
    ],
)
def test_the_worst_verdict_counts(verdicts: tuple[Verdict, ...], worst: Verdict) -> None:
    assert report_of(*map(of, verdicts)).verdict == worst


def test_what_became_of_a_version_that_was_replaced_decides_nothing() -> None:
    parts = [of("ok"), of("error").model_copy(update={"served_until": NOW})]
    report = report_of(*parts)
    assert (report.verdict, report.served, len(report.versions)) == ("ok", (parts[0],), 2)
    assert [entry.verdict for entry in report.entries()] == ["ok", "error"]


def test_json_and_back() -> None:
    report = report_of(version_report(), failed_version("pets", "v0", 5, "gone"))
    assert MonitoringReport.model_validate_json(report.model_dump_json()) == report


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="verdicts"):
        VersionReport.model_validate({"name": "a", "version": "b", "verdict": "ok", "verdicts": 1})


def test_what_is_remembered() -> None:
    first, second = report_of(version_report(ratio=0.5), silent_version("pets", "v0")).entries()
    assert (first.created_at, first.version, first.verdict) == (NOW, "v1", "drift")
    assert first.p_value == pytest.approx(0.5)
    assert first.accuracy is not None
    assert (second.verdict, second.p_value, second.accuracy) == ("no_traffic", None, None)


def test_every_verdict_is_ranked() -> None:
    assert set(VERDICTS) == {"ok", "drift", "too_few", "no_traffic", "error"}
