"""One report from what the steps found, also where a version could not be checked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fake_bundle import write_fake_bundle
from tests.vision.monitoring.traffic import Drawn, batch_of, class_names, read, reference_set
from vision.bundles.manifest import Manifest
from vision.config.monitoring import MonitoringConfig
from vision.errors import BundleError
from vision.monitoring.checks import DriftChecks, PropertyChecks, VersionCheck
from vision.monitoring.period import Period, PeriodReader
from vision.monitoring.reference import ReferenceSet
from vision.monitoring.report import MonitoringReport
from vision.monitoring.summing_up import Find, sum_up
from vision.monitoring.traffic import BrokenRows, Traffic, VersionTraffic

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def empty() -> Period:
    return PeriodReader(("a", "b"), n_newest=10, seed=0).finish()


def gone(version: str) -> tuple[Manifest, ReferenceSet]:
    raise BundleError(f"{version} is gone")


def sum_up_of(
    *versions: VersionTraffic, asked: str | None = None, note: str = "", find: Find = gone
) -> MonitoringReport:
    return sum_up(
        Traffic("digits", NOW, NOW, versions, note),
        DriftChecks(tuple(VersionCheck(v.version, problem=v.problem) for v in versions)),
        PropertyChecks(),
        find,
        config=MonitoringConfig(version=asked),
        history=(),
        created_at=NOW,
    )


def test_without_predictions_there_is_no_traffic() -> None:
    report = sum_up_of(note="the log is empty")
    assert (report.verdict, report.versions) == ("no_traffic", ())


def test_a_version_that_was_asked_for_is_named_though_it_is_silent() -> None:
    [part] = sum_up_of(asked="v7", note="the log is empty").versions
    assert (part.version, part.verdict, part.problem) == ("v7", "no_traffic", "the log is empty")


def test_what_could_not_be_checked_says_why() -> None:
    report = sum_up_of(
        VersionTraffic("v2", empty(), problem="its classes are others"),
        VersionTraffic("v1", empty()),
    )
    assert report.verdict == "error"
    assert [part.problem for part in report.versions] == ["its classes are others", "v1 is gone"]


def test_predictions_of_older_releases_are_too_few_whatever_became_of_the_bundle() -> None:
    [part] = sum_up_of(VersionTraffic("v1", empty(), n_left_out=1, problem="no detectors")).versions
    assert part.verdict == "too_few"
    assert part.problem.startswith("1 prediction could not be looked at: a release without the ")
    assert part.next_move == "Wait until this release has logged 50 predictions of that version."


@pytest.mark.parametrize(
    ("n_simulated", "said"),
    [
        (0, ""),
        (1, "1 of the predictions comes from run.py simulate, whose feedback does not count here"),
        (2, "2 of the predictions come from run.py simulate, whose feedback does not count here"),
        (100, "all predictions come from run.py simulate"),
    ],
)
def test_what_was_simulated_is_counted(tmp_path: Path, n_simulated: int, said: str) -> None:
    reference = reference_set()
    classes = class_names(3)
    period = read(classes, batch_of(Drawn(100), classes), reference=reference)
    one = VersionTraffic("v1", period, n_simulated=n_simulated)
    manifest = write_fake_bundle(tmp_path)
    [part] = sum_up_of(one, find=lambda version: (manifest, reference)).versions
    assert part.problem == said


@pytest.mark.fault
@pytest.mark.parametrize(
    ("n", "broken", "said"),
    [
        (0, BrokenRows(40_000, 500, 500), "500 of the newest 500 predictions have"),
        # The last hour of a good week.
        (100, BrokenRows(11, 11, 60), "11 of the newest 60 predictions have"),
        # A bad week that is over.
        (100, BrokenRows(12, 0, 60), "12 of 112 predictions have"),
    ],
)
def test_many_broken_predictions_are_an_error(n: int, broken: BrokenRows, said: str) -> None:
    classes = class_names(3)
    period = read(classes, batch_of(Drawn(n), classes)) if n else empty()
    # Also where others are of an older release.
    one = VersionTraffic("v1", period, n_left_out=3, broken=broken)
    report = sum_up_of(one)
    assert report.verdict == "error"
    assert report.versions[0].problem == (
        f"{said} vectors that are not finite or not as long as those of the bundle, and at most "
        "one in 10 may; look at what the model answers, or roll back"
    )


@pytest.mark.parametrize(
    ("n_broken", "said"),
    [
        (1, "1 prediction has vectors that are not finite or not as long as those of the bundle "
            "and could not be looked at"),
        (10, "10 predictions have vectors that are not finite or not as long as those of the "
             "bundle and could not be looked at"),
    ],
)  # fmt: skip
def test_few_broken_predictions_are_a_sentence(tmp_path: Path, n_broken: int, said: str) -> None:
    reference, classes = reference_set(), class_names(3)
    period = read(classes, batch_of(Drawn(100), classes), reference=reference)
    one = VersionTraffic("v1", period, broken=BrokenRows(n_broken, n_broken, 110))
    manifest = write_fake_bundle(tmp_path)
    [part] = sum_up_of(one, find=lambda version: (manifest, reference)).versions
    assert (part.verdict, part.problem) == ("too_few", said)


def test_a_few_predictions_are_too_few_to_call_some_of_them_many() -> None:
    classes = class_names(3)
    period = read(classes, batch_of(Drawn(40), classes))
    one = VersionTraffic("v1", period, n_left_out=1, broken=BrokenRows(9, 9, 49))
    assert sum_up_of(one).verdict == "too_few"


def test_a_version_that_was_replaced_stays_in_the_report_and_decides_nothing(
    tmp_path: Path,
) -> None:
    reference, classes = reference_set(), class_names(3)
    period = read(classes, batch_of(Drawn(100), classes), reference=reference)
    manifest = write_fake_bundle(tmp_path)
    served = VersionTraffic("v2", period)
    before = VersionTraffic("v1", empty(), problem="its classes are others", served_until=NOW)
    report = sum_up_of(served, before, find=lambda version: (manifest, reference))
    assert report.verdict == report.versions[0].verdict == "too_few"
    part = report.versions[1]
    assert (part.version, part.verdict, part.served_until) == ("v1", "error", NOW)
    assert part.next_move == (
        "Nothing to do: it was served until 2026-01-31 12:00 UTC, and another version answers now."
    )
