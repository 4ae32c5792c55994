"""Maximum mean discrepancy with a Gaussian kernel (Gretton et al., JMLR 2012), in NumPy.

The statistic is the unbiased estimate of the squared discrepancy. The kernel's width is the median
heuristic over the reference, and the p-value comes from permutations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.result import ColumnTests

Floats = npt.NDArray[np.float64]

_LEAST_DISTANCE = 1e-30
# Where all rows are equal, sums of the kernel differ by this much at most.
_ROUNDING = 1e-12


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
        members = np.zeros((n + m, self._n_permutations + 1))
        members[n:, 0] = 1.0
        rng = np.random.default_rng(self._seed)
        for permutation in range(1, self._n_permutations + 1):
            members[rng.permutation(n + m)[:m], permutation] = 1.0
        values = _discrepancies(kernel, members, n, m)
        n_as_large = int((values[1:] >= values[0] - _ROUNDING).sum())
        p_value = (n_as_large + 1) / (self._n_permutations + 1)
        return ColumnTests(values[:1], np.array([p_value]))


def _discrepancies(kernel: Floats, members: Floats, n: int, m: int) -> Floats:
    """Returns the statistic for each column of ``members``, which are 1 for the window's rows."""
    sums = kernel @ members
    in_window = (members * sums).sum(axis=0)
    across = sums.sum(axis=0) - in_window
    in_reference = kernel.sum() - in_window - 2.0 * across
    values: Floats = (
        in_reference / (n * (n - 1)) + in_window / (m * (m - 1)) - 2.0 * across / (n * m)
    )
    return values


def _squared_distances(one: Floats, other: Floats) -> Floats:
    products = one @ other.T
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None, :]
    distances: Floats = np.clip(squares - 2.0 * products, _LEAST_DISTANCE, 1e30)
    return distances
