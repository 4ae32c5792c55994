"""Where the rows of a window lie among those of a reference, and statistics made from it.

For each column, ``n_below`` and ``n_up_to`` hold for every value of the sorted window how many
reference values are smaller, and how many are not larger. Ties are counted exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranks:
    """A window of ``m`` rows among ``n`` reference rows.

    Attributes:
      n: reference rows.
      n_below: ``(d, m)``, rising along a row.
      n_up_to: ``(d, m)``, rising along a row, at least ``n_below``.
      window_ties: ``(d,)`` sums over groups of ``b`` equal window values of ``b (b^2 - 1) / 12``.
      reference_ties: ``(d,)`` the same of the reference.
    """

    n: int
    n_below: Counts
    n_up_to: Counts
    window_ties: Floats
    reference_ties: Floats


class SortedReference:
    """A reference, sorted once."""

    def __init__(self, reference: npt.NDArray[Any]) -> None:
        """Sorts the columns of an ``(n, d)`` reference."""
        self._sorted = np.sort(np.asarray(reference, np.float64).T, axis=1)
        self._ties = tie_sums(self._sorted)

    def rank(self, window: npt.NDArray[Any]) -> Ranks:
        """Ranks the rows of an ``(m, d)`` window."""
        rows = np.sort(np.asarray(window, np.float64).T, axis=1)
        n_below = np.empty(rows.shape, np.int64)
        n_up_to = np.empty(rows.shape, np.int64)
        for column, (reference, values) in enumerate(zip(self._sorted, rows, strict=True)):
            n_below[column] = np.searchsorted(reference, values, side="left")
            n_up_to[column] = np.searchsorted(reference, values, side="right")
        return Ranks(self._sorted.shape[1], n_below, n_up_to, tie_sums(rows), self._ties)


def tie_sums(sorted_rows: npt.NDArray[Any]) -> Floats:
    """Returns, for each sorted row, the sum over groups of ``b`` equal values of ``b(b^2-1)/12``.

    A value at position ``t`` of its group of ``b`` adds its squared distance from the group's
    middle, and those add up to the sum.
    """
    rows, columns = sorted_rows.shape
    positions = np.arange(columns)
    is_first = np.ones((rows, columns), bool)
    is_first[:, 1:] = sorted_rows[:, 1:] != sorted_rows[:, :-1]
    first = np.maximum.accumulate(np.where(is_first, positions, 0), axis=1)
    is_last = np.ones((rows, columns), bool)
    is_last[:, :-1] = is_first[:, 1:]
    backwards = np.where(is_last, positions, columns)[:, ::-1]
    last = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    sums: Floats = np.square(positions - (first + last) / 2).sum(axis=1)
    return sums


def ks_distances(n: int, n_below: Counts, n_up_to: Counts) -> Floats:
    """Returns each column's largest distance between both distribution functions, ``(d,)``.

    Args:
      n: reference rows.
      n_below: as in :class:`Ranks`.
      n_up_to: as in :class:`Ranks`.
    """
    m = n_below.shape[1]
    # Between two window values only the reference's function rises, so its ends are enough.
    above = (np.arange(1, m + 1) / m - n_up_to / n).max(axis=1)
    below = (n_below / n - np.arange(m) / m).max(axis=1)
    distances: Floats = np.clip(np.maximum(above, below), 0.0, 1.0)
    return distances


def cvm_untied(n: int, n_below: Counts, n_up_to: Counts) -> Floats:
    """Returns the same as :func:`cvm_statistics` where no values are equal, several times as fast.

    ``j`` or more window values lie below ``n - n_below[j]`` of the reference values, so the sum of
    squares over the reference is a sum over the window. Equal values are taken as half below.
    """
    m = n_below.shape[1]
    among = (n_below + n_up_to) / 2
    of_reference = (n - among) @ (2.0 * np.arange(1, m + 1) - 1.0)
    return _anderson(n, m, of_reference, np.square(among).sum(axis=1))


def cvm_statistics(ranks: Ranks) -> Floats:
    """Returns each column's T of Anderson (1962), equation 9, with middle ranks for ties."""
    d, m = ranks.n_below.shape
    n = ranks.n
    of_window = np.square((ranks.n_below + ranks.n_up_to) / 2).sum(axis=1) + ranks.window_ties
    # Twice the number of window values below each reference value, half of the equal ones too.
    doubled = np.zeros((d, n + 1), np.int64)
    offsets = (np.arange(d) * (n + 1))[:, None]
    for counts in (ranks.n_below, ranks.n_up_to):
        found = np.bincount((counts + offsets).ravel(), minlength=d * (n + 1))
        doubled += found.reshape(d, n + 1)
    below = np.cumsum(doubled, axis=1)[:, :n] / 2
    of_reference = np.square(below).sum(axis=1) + ranks.reference_ties
    return _anderson(n, m, of_reference, of_window)


def _anderson(n: int, m: int, of_reference: Floats, of_window: Floats) -> Floats:
    pairs, total = n * m, n + m
    u = n * of_reference + m * of_window
    statistics: Floats = u / (pairs * total) - (4 * pairs - 1) / (6 * total)
    return statistics
