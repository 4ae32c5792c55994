"""Points that are spread over a space: no point is far from all that were picked.

Greedy k-centre, the picker of Sener & Savarese, "Active Learning for Convolutional Neural Networks:
A Core-Set Approach", ICLR 2018, algorithm 1: always the point that is furthest from those picked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Spread:
    """Picks points one after another.

    Args:
      points: ``(n, d)``.
      same_distance: points that are no further than that from a picked one are copies of it.
    """

    def __init__(self, points: npt.NDArray[np.floating[Any]], same_distance: float = 0.0) -> None:
        self._points = points.astype(np.float64)
        self._same = same_distance
        self.distances = np.full(len(points), np.inf)

    def pick(self, place: int) -> None:
        """Picks a point."""
        reach = np.sqrt(np.square(self._points - self._points[place]).sum(axis=1))
        self.distances = np.minimum(self.distances, reach)

    def is_new(self, place: int) -> bool:
        """Whether a point is neither picked nor a copy of a picked one."""
        return bool(self.distances[place] > self._same)

    def furthest(self, places: npt.NDArray[np.integer[Any]]) -> int | None:
        """Returns which of some points is furthest from those picked; the first of equal ones.

        Returns:
          None where all of them are picked, or copies.
        """
        if not len(places):
            return None
        best = int(places[int(np.argmax(self.distances[places]))])
        return best if self.is_new(best) else None


def typical_distance(points: npt.NDArray[np.floating[Any]]) -> float:
    """Returns the median distance of the points to their mean."""
    rest = points.astype(np.float64) - points.mean(axis=0)
    return float(np.median(np.sqrt(np.square(rest).sum(axis=1))))
