"""The drift backend of SciPy and NumPy: all columns at once, the reference sorted once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.backend import Floats, Integers, Kind
from vision.drift.mmd import MaximumMeanDiscrepancy
from vision.drift.p_values import chi_squared, p_values_of
from vision.drift.ranks import SortedReference, cvm_statistics, ks_distances
from vision.drift.result import ColumnTests


class _Columns:
    def __init__(self, kind: Kind, reference: Floats) -> None:
        self._kind = kind
        self._reference = SortedReference(reference)

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        ranks = self._reference.rank(window)
        if self._kind == "ks":
            statistics = ks_distances(ranks.n, ranks.n_below, ranks.n_up_to)
        else:
            statistics = cvm_statistics(ranks)
        return ColumnTests(statistics, p_values_of(self._kind, statistics, ranks.n, len(window)))


class _Classes:
    def __init__(self, reference: Integers, n_classes: int) -> None:
        self._counts = np.bincount(reference, minlength=n_classes)

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        counts = np.stack([self._counts, np.bincount(window, minlength=len(self._counts))])
        statistic, p_value = chi_squared(counts.astype(np.float64))
        return ColumnTests(np.atleast_1d(statistic), np.atleast_1d(p_value))


class ScipyBackend:
    """See :class:`vision.drift.backend.Backend`."""

    name = "scipy"

    def __init__(self) -> None:
        """Imports SciPy.

        Raises:
          ImportError: it is not installed.
        """
        import scipy.stats  # noqa: F401

    def columns(self, kind: Kind, reference: Floats) -> _Columns:
        """Returns a test of each column."""
        return _Columns(kind, reference)

    def classes(self, reference: Integers, n_classes: int) -> _Classes:
        """Returns the chi-squared test of class indices."""
        return _Classes(reference, n_classes)

    def mmd(self, reference: Floats, n_permutations: int, seed: int) -> MaximumMeanDiscrepancy:
        """Returns the test of all columns together."""
        return MaximumMeanDiscrepancy(reference, n_permutations, seed)
