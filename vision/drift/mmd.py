"""Maximum mean discrepancy with a Gaussian kernel (Gretton et al., JMLR 2012), in NumPy.

The statistic is the unbiased estimate of the squared discrepancy. The kernel's width is the median
heuristic over the reference, and the p-value comes from permutations, a few hundred at a time.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.result import ColumnTests

Floats = npt.NDArray[np.float64]

_LEAST_DISTANCE = 1e-30
# Sums of single precision over the kernel differ by this share of its mean at most.
_ROUNDING = 1e-7
# Permutations at a time, for the memory's sake.
_BATCH = 250
# Of more there is no telling within seconds.
_MOST_PERMUTATIONS = 20_000


def permutations_for(level: float, at_least: int) -> int:
    """Returns how many permutations can tell a p-value of ``level``, at least so many.

    The smallest is ``1 / (n + 1)``, and half of ``level`` is told up to 20,000 permutations.
    """
    return max(at_least, min(_MOST_PERMUTATIONS, ceil(2.0 / level)))


class MaximumMeanDiscrepancy:
    """Compares windows with one reference, all columns together."""

    def __init__(self, reference: npt.NDArray[Any], n_permutations: int, seed: int) -> None:
        """Computes the kernel within the reference.

        Args:
          reference: ``(n, d)``.
          n_permutations: for the p-value.
          seed: of the permutations.
        """
        self._reference: Floats = np.asarray(reference, np.float64)
        self._n_permutations = n_permutations
        self._seed = seed
        distances = _squared_distances(self._reference, self._reference)
        n = len(self._reference)
        # The median of the distances between different rows; the n zeros come first.
        middle = n + (n * n - n) // 2 - 1
        sigma_squared = 0.5 * np.partition(distances.ravel(), middle)[middle]
        self._gamma = 1.0 / (2.0 * sigma_squared)
        self._within: Floats = np.exp(-self._gamma * distances)

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        """Tests an ``(m, d)`` window; the result has one column."""
        rows: Floats = np.asarray(window, np.float64)
        n, m = len(self._reference), len(rows)
        between = np.exp(-self._gamma * _squared_distances(self._reference, rows))
        inside = np.exp(-self._gamma * _squared_distances(rows, rows))
        kernel = np.block([[self._within, between], [between.T, inside]])
        np.fill_diagonal(kernel, 0.0)
        is_window = np.zeros((n + m, 1))
        is_window[n:] = 1.0
        observed = _discrepancies(kernel, is_window, n, m)
        # A kernel that is smaller by a constant has the same statistics, and rounds less.
        kernel -= kernel.sum() / ((n + m) * (n + m - 1))
        np.fill_diagonal(kernel, 0.0)
        n_as_large = self._count_as_large(kernel.astype(np.float32), n, m)
        p_value = (n_as_large + 1) / (self._n_permutations + 1)
        return ColumnTests(observed, np.array([p_value]))

    def _count_as_large(self, kernel: npt.NDArray[np.float32], n: int, m: int) -> int:
        """Returns in how many permutations the statistic is at least that of the window."""
        rng = np.random.default_rng(self._seed)
        n_as_large = 0
        for start in range(0, self._n_permutations, _BATCH):
            n_batch = min(_BATCH, self._n_permutations - start)
            members = np.zeros((n + m, n_batch + 1), np.float32)
            members[n:, 0] = 1.0
            for column in range(1, n_batch + 1):
                members[rng.permutation(n + m)[:m], column] = 1.0
            values = _discrepancies(kernel, members, n, m)
            n_as_large += int((values[1:] >= values[0] - _ROUNDING).sum())
        return n_as_large


def _discrepancies(kernel: npt.NDArray[Any], members: npt.NDArray[Any], n: int, m: int) -> Floats:
    """Returns the statistic for each column of ``members``, which are 1 for the window's rows."""
    sums = kernel @ members
    in_window = (members * sums).sum(axis=0, dtype=np.float64)
    across = sums.sum(axis=0, dtype=np.float64) - in_window
    in_reference = kernel.sum(dtype=np.float64) - in_window - 2.0 * across
    values: Floats = (
        in_reference / (n * (n - 1)) + in_window / (m * (m - 1)) - 2.0 * across / (n * m)
    )
    return values


def _squared_distances(one: Floats, other: Floats) -> Floats:
    products = one @ other.T
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None, :]
    distances: Floats = np.clip(squares - 2.0 * products, _LEAST_DISTANCE, 1e30)
    return distances
