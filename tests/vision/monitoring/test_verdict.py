"""From a period to a verdict, what moved, since when, and the next move."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tests.vision.monitoring.traffic import (
    END,
    Drawn,
    batch_of,
    class_names,
    detectors_of,
    read,
    reference_set,
)
from vision.drift.result import DriftResult, ViewTest
from vision.monitoring.evidence import Evidence, compare_embeddings, gather_evidence
from vision.monitoring.outcomes import Outcomes
from vision.monitoring.period import Period
from vision.monitoring.report import VersionReport
from vision.monitoring.report_parts import DayReport, ShareReport
from vision.monitoring.verdict import failed_version, judge_version, moved_since, silent_version

pytestmark = pytest.mark.unit

THREE = class_names(3)
REFERENCE = reference_set()


@pytest.fixture(scope="module")
def detectors() -> Any:
    return detectors_of(REFERENCE)


def gather(period: Period, detectors: Any) -> Evidence:
    return gather_evidence(period, detectors, n_mmd=100, n_permutations=200, seed=0)


def judge(period: Period, evidence: Evidence, **options: Any) -> VersionReport:
    values = {"expected_accuracy": 0.95, "n_least": 20, **options}
    return judge_version("pets", "v1", period, evidence, REFERENCE, **values)


def found(*moved: str, calm: tuple[str, ...] = ("uae", "properties")) -> Evidence:
    """Returns evidence that some views moved and others did not."""
    tests = [ViewTest(view, "ks", 100, 0.5, 1e-6, 0.001) for view in moved]
    tests += [ViewTest(view, "ks", 100, 0.1, 0.5, 0.001) for view in calm if view not in moved]
    return Evidence(DriftResult(100, tuple(tests)))


def test_unchanged_traffic_is_ok(detectors: Any) -> None:
    period = read(THREE, batch_of(Drawn(300, seed=1), THREE), reference=REFERENCE)
    report = judge(period, gather(period, detectors))
    assert (report.verdict, report.moved, report.since) == ("ok", (), None)
    assert report.next_move == (
        "Nothing to do. Nobody has said what any image really was: feedback on 73 random ones "
        "would tell the accuracy within 5 points."
    )
    assert (report.n_predictions, report.n_measured) == (300, 300)
    assert report.last is not None
    assert report.last.isoformat() == "2026-11-20T12:00:00+00:00"
    assert VersionReport.model_validate_json(report.model_dump_json()) == report


def test_moved_images_are_drift_since_their_day(detectors: Any) -> None:
    late = batch_of(Drawn(200, seed=2, shift=1.0), THREE, hours=0.2)
    before = batch_of(Drawn(400, seed=3), THREE, hours=0.2, end=END - timedelta(hours=60))
    period = read(THREE, late, before, reference=REFERENCE)
    evidence = gather(period, detectors)
    report = judge(period, evidence)
    assert report.verdict == "drift"
    assert {"uae", "properties"} <= set(report.moved)
    assert "accuracy" not in report.moved
    # 200 images, 12 minutes apart, reach back 40 hours from noon.
    assert report.since == date(2026, 11, 18)
    assert "since 2026-11-18. Look at the drifted images in the report" in report.next_move
    assert {test["detector"] for test in report.tests} == {"ks", "chi_squared", "mmd"}
    assert len(report.examples["drifted"]) == 12
    assert (report.examples["drifted"][0].distance or 0.0) > 1.2


def test_false_alarms_are_about_as_rare_as_wanted(detectors: Any) -> None:
    """One check in twenty by the detectors, and as many by MMD."""
    n_alarms = 0
    for seed in range(60):
        rows = Drawn(100, seed=1_000 + seed).rows
        mmd = compare_embeddings(rows, detectors, n_most=100, n_permutations=200, seed=seed)
        n_alarms += any(test.is_drift for test in (*detectors.check(rows).tests, *mmd))
    # 6 of 60 are expected; 14 or more come once in a thousand.
    assert n_alarms < 14


def test_mmd_can_find_something_with_few_permutations(detectors: Any) -> None:
    rows = Drawn(100, seed=5, shift=2.0).rows
    detectors.alarm_rate, before = 1e-6, detectors.alarm_rate
    tests = compare_embeddings(rows, detectors, n_most=100, n_permutations=100, seed=0)
    detectors.alarm_rate = before
    assert [test.view for test in tests if test.is_drift] == ["uae", "penultimate"]
    # As many as the level needs, and no more than 20,000.
    assert tests[0].threshold == pytest.approx(1.5 / 20_001)


def test_low_accuracy_alone_is_drift() -> None:
    batch = batch_of(Drawn(300, seed=6, doubt=4.0), THREE, labelled=1.0)
    report = judge(read(THREE, batch), found())
    assert (report.verdict, report.moved) == ("drift", ("accuracy",))
    assert report.next_move.startswith("How often the model is right changed. Live accuracy is 0.")
    assert "and was 0.950 in the evaluation" in report.next_move
    assert "roll back" in report.next_move


def test_low_accuracy_can_be_switched_off() -> None:
    batch = batch_of(Drawn(300, seed=6, doubt=4.0), THREE, labelled=1.0)
    assert judge(read(THREE, batch), found(), margin=None).verdict == "ok"
    assert judge(read(THREE, batch), found(), expected_accuracy=None).verdict == "ok"


def test_few_predictions() -> None:
    report = judge(read(THREE, batch_of(Drawn(12), THREE)), found("uae"))
    assert (report.verdict, report.moved, report.tests) == ("too_few", (), ())
    assert report.next_move == (
        "Wait for more traffic, or look at a longer period (monitoring.days): there are "
        "12 predictions, and tests need 20."
    )


def test_enough_predictions_but_no_window(detectors: Any) -> None:
    period = read(THREE, batch_of(Drawn(15), THREE))
    assert gather(period, detectors) == Evidence()
    assert judge(period, Evidence(), n_least=10).verdict == "too_few"


def test_no_predictions() -> None:
    report = judge(read(THREE), Evidence())
    assert report.verdict == "no_traffic"
    assert silent_version("pets", "v1").next_move == report.next_move


def test_a_version_that_could_not_be_checked() -> None:
    report = failed_version("pets", "v1", 100, "the bundle is gone")
    assert (report.verdict, report.problem) == ("error", "the bundle is gone")
    assert report.next_move.startswith("Mend what the message says")


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        (("uae",), "Look at the drifted images in the report"),
        (("properties", "bbsd"), "if camera, light, compression"),
        (("classes", "bbsd"), "% of the reference set. That alone moves answers and features"),
        (("bbsd",), "The images look as before, so look at the drifted and unsure ones"),
    ],
)
def test_the_next_move_fits_what_moved(moved: tuple[str, ...], said: str) -> None:
    report = judge(read(THREE, batch_of(Drawn(100), THREE)), found(*moved))
    assert said in report.next_move
    assert "Then label 73 random images" in report.next_move


def test_nobody_says_how_images_look_who_has_not_looked() -> None:
    report = judge(read(THREE, batch_of(Drawn(100), THREE)), found("bbsd", calm=()))
    assert "look as before" not in report.next_move


def test_accuracy_since_it_moved_is_told() -> None:
    late = batch_of(Drawn(100, seed=1, doubt=3.0), THREE, labelled=1.0, hours=0.1)
    before = batch_of(
        Drawn(600, seed=2), THREE, labelled=1.0, hours=0.2, end=END - timedelta(hours=24)
    )
    day = DriftResult(50, (ViewTest("uae", "ks", 50, 0.5, 1e-6, 0.001),))
    evidence = Evidence(found("uae").result, days={END.date(): day})
    period = read(THREE, late, before)
    report = judge(period, evidence, margin=0.2)
    assert report.since == END.date()
    last = period.days[-1]
    assert f"since then it is {last.n_right / last.n_labelled:.3f} (" in report.next_move


def share() -> ShareReport:
    return ShareReport(n=0)


def days(*tests: Mapping[str, float]) -> list[DayReport]:
    return [
        DayReport(
            day=date(2026, 11, 1) + timedelta(days=number),
            n=100,
            confidence=share(),
            abstained=share(),
            accuracy=share(),
            tests=dict(each),
        )
        for number, each in enumerate(tests)
    ]


def test_since_is_the_first_of_the_last_days_in_a_row() -> None:
    moved, calm, untested = {"uae": 0.1}, {"uae": 5.0}, dict[str, float]()
    assert moved_since(days(moved, calm, moved, untested, moved), ["uae"]) == date(2026, 11, 3)
    assert moved_since(days(moved, calm), ["uae"]) is None
    assert moved_since(days(moved, moved), ["bbsd"]) is None
    assert moved_since([], ["uae"]) is None


def test_unknown_classes_are_told() -> None:
    period = read(THREE, batch_of(Drawn(100), THREE))
    told = Outcomes(np.diag([20, 20, 20]), 40, 2, {"fox": 40})
    report = judge(Period(**{**vars(period), "outcomes": told}), found())
    assert report.accuracy is not None
    assert (report.accuracy.n_unknown, report.accuracy.live.value) == (40, 0.6)
    assert report.accuracy.unknown == {"fox": 40}
    assert "40 times because the model has no such class" in report.next_move
