"""Predictions counted by day (UTC), so that a trend needs no row to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

_EPOCH = date(1970, 1, 1).toordinal()
_TOTALS = ("n", "confidence", "confidence_squares", "n_abstained", "n_labelled", "n_right")


@dataclass(frozen=True, eq=False)
class Day:
    """What was counted on one day.

    Attributes:
      day: UTC.
      n: predictions.
      confidence: sum of the winning probabilities.
      confidence_squares: sum of their squares.
      n_abstained: predictions that were too unsure to count.
      n_labelled: predictions with one true label.
      n_right: those that were right.
      classes: ``(k,)`` predictions of each class.
    """

    day: date
    n: int
    confidence: float
    confidence_squares: float
    n_abstained: int
    n_labelled: int
    n_right: int
    classes: npt.NDArray[np.int64]


def days_of(times: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """Returns days since 1970-01-01, UTC."""
    return times.astype("datetime64[D]").astype(np.int64)


def as_date(day: int) -> date:
    """Returns the date of a number of days since 1970-01-01."""
    return date.fromordinal(_EPOCH + day)


class DayCounter:
    """Adds predictions up by day; memory grows with the number of days alone."""

    def __init__(self, n_classes: int) -> None:
        self._n_classes = n_classes
        self._totals: dict[int, npt.NDArray[np.float64]] = {}
        self._classes: dict[int, npt.NDArray[np.int64]] = {}

    def add(
        self,
        days: npt.NDArray[np.int64],
        classes: npt.NDArray[np.integer[Any]],
        values: dict[str, npt.NDArray[Any]],
    ) -> None:
        """Counts ``n`` predictions.

        Args:
          days: ``(n,)`` of :func:`days_of`.
          classes: ``(n,)`` predicted class indices.
          values: ``(n,)`` each: confidence, n_abstained, n_labelled and n_right.
        """
        found, places = np.unique(days, return_inverse=True)
        values = {
            **values,
            "n": np.ones(len(days)),
            "confidence_squares": np.square(values["confidence"], dtype=np.float64),
        }
        totals = np.stack(
            [np.bincount(places, values[name], minlength=len(found)) for name in _TOTALS], axis=1
        )
        width = self._n_classes
        counts = np.bincount(places * width + classes, minlength=len(found) * width)
        for day, total, by_class in zip(
            found.tolist(), totals, counts.reshape(-1, width), strict=True
        ):
            self._totals[day] = self._totals.get(day, 0.0) + total
            self._classes[day] = self._classes.get(day, 0) + by_class

    def days(self) -> tuple[Day, ...]:
        """Returns the days that had a prediction, oldest first."""
        return tuple(self._day(day) for day in sorted(self._totals))

    def _day(self, day: int) -> Day:
        n, confidence, squares, n_abstained, n_labelled, n_right = self._totals[day].tolist()
        return Day(
            as_date(day),
            int(n),
            confidence,
            squares,
            int(n_abstained),
            int(n_labelled),
            int(n_right),
            self._classes[day],
        )
