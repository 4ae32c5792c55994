"""Puts everything that was found about a model version together, with a verdict.

Drift is: a calibrated detector on the newest rows, or MMD, is below its threshold; or the live
accuracy is below that of the evaluation by more than chance and a margin (moved: ``accuracy``),
whether or not the images moved. Properties, class shares, trends and estimates of the whole period
explain a verdict and never make one: nobody has calibrated how often they are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from vision.drift.result import ViewTest
from vision.monitoring.accuracy import MARGIN, measure_accuracy, recalls
from vision.monitoring.candidates import Candidate
from vision.monitoring.class_shares import compare_classes
from vision.monitoring.estimation import AccuracyEstimator
from vision.monitoring.evidence import Evidence
from vision.monitoring.next_move import next_move
from vision.monitoring.period import Period
from vision.monitoring.properties import compare_confidence, compare_properties
from vision.monitoring.reference import ReferenceSet
from vision.monitoring.report import Verdict, VersionReport
from vision.monitoring.report_parts import DayReport, ExampleReport
from vision.monitoring.trends import day_reports, find_trends

_N_EXAMPLES = 12


def judge_version(
    name: str,
    version: str,
    period: Period,
    evidence: Evidence,
    reference: ReferenceSet,
    *,
    expected_accuracy: float | None,
    n_least: int,
    margin: float | None = MARGIN,
) -> VersionReport:
    """Returns the report of one model version.

    Args:
      name: the model's.
      version: its version.
      period: what it predicted.
      evidence: what the tests say.
      reference: its reference set.
      expected_accuracy: of its evaluation; None where it is not known.
      n_least: predictions below which nothing is tested.
      margin: see :func:`vision.monitoring.accuracy.measure_accuracy`.
    """
    tests = _tests(evidence) if period.n >= n_least else ()
    accuracy = measure_accuracy(period.outcomes, expected_accuracy, margin)
    moved = _moved(tests, is_low=accuracy.is_low)
    days = day_reports(period.days, evidence.days)
    report = VersionReport(
        name=name,
        version=version,
        verdict=_verdict(period.n, tests, moved),
        n_predictions=period.n,
        first=period.first,
        last=period.last,
        moved=moved,
        tests=tuple(test.to_json() for test in tests),
        since=moved_since(days, moved),
        accuracy=accuracy,
        days=days,
        trends=find_trends(days),
        examples=_examples(period.candidates),
        **_compare(period, evidence, reference),
    )
    return report.model_copy(update={"next_move": next_move(report, n_least)})


def failed_version(name: str, version: str, n_predictions: int, problem: str) -> VersionReport:
    """Returns the report of a model version that could not be checked.

    Args:
      name: the model's.
      version: its version.
      n_predictions: in the period.
      problem: why, a sentence.
    """
    report = VersionReport(
        name=name, version=version, verdict="error", n_predictions=n_predictions, problem=problem
    )
    return report.model_copy(update={"next_move": next_move(report, 0)})


def silent_version(name: str, version: str) -> VersionReport:
    """Returns the report of a model version that predicted nothing in the period."""
    report = VersionReport(name=name, version=version, verdict="no_traffic")
    return report.model_copy(update={"next_move": next_move(report, 0)})


def moved_since(days: Sequence[DayReport], moved: Sequence[str]) -> date | None:
    """Returns the first of the last days in a row on which the same views are beyond a threshold.

    Days with too few rows to be tested are passed over. None where the newest tested day shows
    nothing.
    """
    since = None
    for day in reversed(days):
        if not day.tests:
            continue
        if not any(day.tests.get(view, 1.0) < 1.0 for view in moved):
            break
        since = day.day
    return since


def _moved(tests: Sequence[ViewTest], *, is_low: bool) -> tuple[str, ...]:
    views = dict.fromkeys(test.view for test in tests if test.is_drift)
    return (*views, *(("accuracy",) if is_low else ()))


def _tests(evidence: Evidence) -> tuple[ViewTest, ...]:
    return (*(evidence.result.tests if evidence.result else ()), *evidence.mmd)


def _verdict(n: int, tests: Sequence[ViewTest], moved: tuple[str, ...]) -> Verdict:
    if not n:
        return "no_traffic"
    if moved:
        return "drift"
    return "ok" if tests else "too_few"


def _compare(period: Period, evidence: Evidence, reference: ReferenceSet) -> dict[str, Any]:
    """Returns what explains a verdict: the whole period against the reference set."""
    estimator = AccuracyEstimator.fit(reference.probabilities, reference.labels)
    return {
        "n_measured": period.n_measured,
        "properties": compare_properties(
            reference.properties, period.properties, evidence.findings
        ),
        "classes": compare_classes(
            period.classes,
            period.class_counts,
            np.bincount(reference.rows.classes, minlength=len(period.classes)),
            recalls(period.outcomes),
        ),
        "estimate": estimator.estimate(period.probabilities),
        "confidence": compare_confidence(
            reference.probabilities.max(axis=1), period.probabilities.max(axis=1)
        ),
    }


def _examples(candidates: Sequence[Candidate]) -> dict[str, tuple[ExampleReport, ...]]:
    keys: dict[str, Any] = {
        "drifted": lambda each: -(each.distance or 0.0),
        "unsure": lambda each: each.margin,
        "disagrees": lambda each: -each.probability,
    }
    found = {}
    for reason in keys:
        chosen = [each for each in candidates if reason in each.reasons]
        # Those that can be seen come first.
        chosen.sort(key=lambda each, of=keys[reason]: (each.image is None, of(each)))  # type: ignore[misc]
        if chosen:
            found[reason] = tuple(_example(each) for each in chosen[:_N_EXAMPLES])
    return found


def _example(candidate: Candidate) -> ExampleReport:
    return ExampleReport(
        request_id=candidate.request_id,
        time=candidate.time,
        label=candidate.label,
        probability=candidate.probability,
        distance=candidate.distance,
        true_labels=candidate.true_labels,
        image=candidate.image,
    )
