"""Checks without drift, drawn from a reference set: what p-values does chance alone give?

A draw is a reference set and a window, both drawn with replacement from the rows at hand, so that
neither need be smaller than the other and the columns stay as correlated as they are. A value that
occurs once stands for a stretch of a continuous range, and rows drawn from it are put at random
places inside; values that are tied in the reference set stay tied, or are spread as checks do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.backend import Kind
from vision.drift.p_values import chi_squared, p_values_of
from vision.drift.ranks import cvm_untied, ks_distances
from vision.drift.settling import REFERENCE_ORDER, WINDOW_ORDER, spread

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.integer[Any]]

# More rows change no p-value, only the time.
_MOST_ROWS = 5_000
# With fewer rows than this a stretch is divided, or ties would hide differences.
_FINE_ROWS = 1_000
_N_PLACES = 4


class NullDraws:
    """Draws checks of several columns and of the classes at several window sizes."""

    def __init__(
        self,
        values: npt.NDArray[np.floating[Any]],
        classes: Integers,
        n_classes: int,
        sizes: tuple[int, ...],
        kind: Kind,
    ) -> None:
        """Finds each value's place in its column.

        Args:
          values: ``(n, d)``, the columns of all views beside each other; d may be 0.
          classes: ``(n,)`` class indices.
          n_classes: classes of the model.
          sizes: of windows, rising; each is the newest part of the next.
          kind: test of a column.
        """
        self._n_places = _N_PLACES if len(values) < _FINE_ROWS else 1
        self._places, n_equal = _places(values, self._n_places)
        self._is_alone = n_equal == 1
        # Equal values share one place; for Cramér-von Mises they are spread over their stretch.
        self._widths = np.where(self._is_alone | (kind == "cvm"), n_equal * self._n_places, 1)
        self._is_wide = bool((self._widths > 1).any())
        self._classes = classes
        self._n_classes = n_classes
        self._sizes = sizes
        self._kind = kind
        self._compare = ks_distances if kind == "ks" else cvm_untied
        self.n_rows = min(len(values), _MOST_ROWS)

    def draw(self, n_draws: int, seed: int) -> Iterator[tuple[Floats, Floats]]:
        """Yields, for each draw, what :meth:`p_values` takes.

        Yields:
          statistics ``(sizes, d)`` of the columns, and counts ``(sizes, 2, k)`` of the classes.
        """
        rng = np.random.default_rng(seed)
        n = len(self._classes)
        for _ in range(n_draws):
            reference = rng.integers(n, size=self.n_rows)
            window = rng.integers(n, size=self._sizes[-1])
            yield self._statistics(reference, window, rng), self._counts(reference, window)

    def p_values(self, statistics: Floats, counts: Floats) -> tuple[Floats, Floats]:
        """Returns p-values of many draws.

        Args:
          statistics: ``(n_draws, sizes, d)``.
          counts: ``(n_draws, sizes, 2, k)``.

        Returns:
          ``(n_draws, sizes, d)`` of the columns and ``(n_draws, sizes)`` of the classes.
        """
        of_columns = np.stack(
            [
                p_values_of(self._kind, statistics[:, index], self.n_rows, size)
                for index, size in enumerate(self._sizes)
            ],
            axis=1,
        )
        return of_columns, chi_squared(counts)[1]

    def _statistics(
        self, reference: Integers, window: Integers, rng: np.random.Generator
    ) -> Floats:
        n_places, d = len(self._classes) * self._n_places, self._places.shape[1]
        placed = self._place(reference, REFERENCE_ORDER, rng) + np.arange(d) * n_places
        counts = np.bincount(placed.ravel(), minlength=d * n_places).reshape(d, n_places)
        up_to = np.zeros((d, n_places + 1), np.int64)
        np.cumsum(counts, axis=1, out=up_to[:, 1:])
        starts = np.arange(d)[:, None] * (n_places + 1)
        newest_last = np.ascontiguousarray(self._place(window, WINDOW_ORDER, rng).T)
        found = np.empty((len(self._sizes), d))
        for index, size in enumerate(self._sizes):
            at = np.sort(newest_last[:, -size:], axis=1, kind="stable") + starts
            below, including = up_to.take(at), up_to.take(at + 1)
            found[index] = self._compare(self.n_rows, below, including)
        return found

    def _place(self, rows: Integers, start: float, rng: np.random.Generator) -> Integers:
        places: Integers = self._places[rows]
        if not self._is_wide:
            return places
        shares = rng.random(places.shape, np.float32)
        if self._kind == "cvm":
            shares = np.where(
                self._is_alone[rows], shares, spread(len(places), places.shape[1], start)
            )
        inside = (shares * self._widths[rows]).astype(places.dtype)
        return places + np.minimum(inside, self._widths[rows] - 1).astype(places.dtype)

    def _counts(self, reference: Integers, window: Integers) -> Floats:
        before = np.bincount(self._classes[reference], minlength=self._n_classes)
        newest_last = self._classes[window]
        return np.array(
            [
                [before, np.bincount(newest_last[-size:], minlength=self._n_classes)]
                for size in self._sizes
            ],
            np.float64,
        )


def _places(
    values: npt.NDArray[np.floating[Any]], n_places: int
) -> tuple[Integers, npt.NDArray[np.int32]]:
    """Returns the first place of each value in its column, and how many are equal, ``(n, d)``."""
    # NumPy sorts 16 bits several times as fast.
    is_short = len(values) * n_places <= np.iinfo(np.int16).max
    places: Integers = np.empty(values.shape, np.int16 if is_short else np.int32)
    n_equal = np.empty(values.shape, np.int32)
    for column in range(values.shape[1]):
        _, which, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        places[:, column] = (np.cumsum(count) - count)[which] * n_places
        n_equal[:, column] = count[which]
    return places, n_equal
