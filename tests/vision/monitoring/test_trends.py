"""Trends by day against textbook numbers."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kendalltau

from vision.drift.result import DriftResult, ViewTest
from vision.monitoring.days import Day
from vision.monitoring.intervals import share_of
from vision.monitoring.report_parts import DayReport, ShareReport
from vision.monitoring.trends import day_reports, find_trends, kendall_p_value

pytestmark = pytest.mark.unit


def days(values: list[float]) -> list[DayReport]:
    return [
        DayReport(
            day=date(2026, 11, 1) + timedelta(days=number),
            n=100,
            confidence=ShareReport(n=100, value=value, low=value, high=value),
            abstained=share_of(0, 100),
            accuracy=share_of(0, 0),
        )
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize("n", [5, 8, 30])
def test_p_value_is_that_of_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        values = rng.random(n)
        first, second = np.triu_indices(n, 1)
        score = int(np.sign(values[second] - values[first]).sum())
        expected = kendalltau(np.arange(n), values, method="exact").pvalue
        assert kendall_p_value(score, n) == pytest.approx(expected, abs=1e-12)


def test_p_value_by_counting() -> None:
    """Of the 120 orders of five values, how many have a score as large."""
    scores = [
        sum(np.sign(order[j] - order[i]) for i in range(5) for j in range(i + 1, 5))
        for order in permutations(range(5))
    ]
    for score in (0, 2, 4, 6, 8, 10):
        expected = min(1.0, sum(abs(each) >= score for each in scores) / 120)
        assert kendall_p_value(score, 5) == pytest.approx(expected)


def test_exact_and_normal_meet() -> None:
    assert kendall_p_value(400, 61) == pytest.approx(kendall_p_value(390, 60), rel=0.05)


def test_falling_confidence() -> None:
    found = find_trends(days([0.95, 0.93, 0.92, 0.90, 0.87, 0.86, 0.10]))["confidence"]
    # The last day is far off; the median of the slopes hardly feels it.
    assert found.slope == pytest.approx(-0.02, abs=0.005)
    assert found.p_value == pytest.approx(2 / 5040)
    assert found.n_days == 7


def test_equal_days_are_no_trend() -> None:
    found = find_trends(days([0.9] * 6))["abstained"]
    assert (found.slope, found.p_value) == (0.0, pytest.approx(1.0))


def test_few_days_have_no_trend() -> None:
    assert find_trends(days([0.9, 0.8, 0.7, 0.6])) == {}


def test_days_have_their_tests() -> None:
    day = Day(date(2026, 11, 3), 10, 8.0, 6.6, 2, 4, 3, np.array([6, 4]))
    tests = (ViewTest("uae", "ks", 50, 0.4, 0.001, 0.01), ViewTest("uae", "ks", 20, 0.4, 0.9, 0.01))
    [found] = day_reports([day], {day.day: DriftResult(50, tests)})
    assert found.tests == {"uae": pytest.approx(0.1)}
    assert (found.confidence.value, found.abstained.value) == (0.8, 0.2)
    assert (found.accuracy.value, found.accuracy.n) == (0.75, 4)
