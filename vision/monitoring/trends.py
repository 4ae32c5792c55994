"""Confidence, abstentions and accuracy by day, and whether the first two rise or fall.

A trend is the median of the slopes between any two days (Sen, 1968), and the test is that of Mann
(1945) and Kendall: how many pairs of days are in rising order. It asks for nothing but days that do
not depend on each other, which a weekly rhythm breaks; it is shown, and never a reason for a
verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from vision.drift.result import DriftResult
from vision.monitoring.days import Day
from vision.monitoring.intervals import mean_of, share_of
from vision.monitoring.report_parts import DayReport, TrendReport

# With four days even a perfect order has a p-value of 2 / 4! = 0.08.
_LEAST_DAYS = 5
# Above so many days the exact distribution is no different from the normal one.
_MOST_EXACT = 60


def day_reports(days: Sequence[Day], results: Mapping[date, DriftResult]) -> tuple[DayReport, ...]:
    """Returns one report a day, oldest first.

    Args:
      days: what was counted.
      results: of the detectors on each day's newest rows, where there were enough.
    """
    return tuple(
        DayReport(
            day=day.day,
            n=day.n,
            confidence=mean_of(day.confidence, day.confidence_squares, day.n),
            abstained=share_of(day.n_abstained, day.n),
            accuracy=share_of(day.n_right, day.n_labelled),
            tests={
                view: test.p_value / test.threshold
                for view, test in (results[day.day].by_view.items() if day.day in results else ())
            },
        )
        for day in days
    )


def find_trends(days: Sequence[DayReport]) -> dict[str, TrendReport]:
    """Returns the trends of ``confidence`` and ``abstained``; none from fewer than five days."""
    if len(days) < _LEAST_DAYS:
        return {}
    places = [day.day.toordinal() for day in days]
    return {
        "confidence": _trend(places, [day.confidence.value or 0.0 for day in days]),
        "abstained": _trend(places, [day.abstained.value or 0.0 for day in days]),
    }


def _trend(places: Sequence[int], values: Sequence[float]) -> TrendReport:
    first, second = np.triu_indices(len(places), 1)
    steps = np.asarray(values)[second] - np.asarray(values)[first]
    slopes = steps / (np.asarray(places)[second] - np.asarray(places)[first])
    return TrendReport(
        slope=float(np.median(slopes)),
        p_value=kendall_p_value(int(np.sign(steps).sum()), len(places)),
        n_days=len(places),
    )


def kendall_p_value(score: int, n: int) -> float:
    """Returns the two-sided p-value of rising less falling pairs among ``n`` values.

    Exact without ties for up to 60 values, from the number of orders with so many inversions. Pairs
    of equal values count for neither side, which makes the p-value too large rather than too small.
    """
    if n > _MOST_EXACT:
        from statistics import NormalDist

        deviation = (n * (n - 1) * (2 * n + 5) / 18) ** 0.5
        return 2 * (1 - NormalDist().cdf(max(0, abs(score) - 1) / deviation))
    shares = np.ones(1)
    for more in range(2, n + 1):
        shares = np.convolve(shares, np.full(more, 1 / more))
    # A score of s is (pairs - s) / 2 inversions.
    n_inversions = (n * (n - 1) // 2 - abs(score)) // 2
    return min(1.0, 2 * float(shares[: n_inversions + 1].sum()))
