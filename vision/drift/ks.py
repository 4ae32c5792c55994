"""The two-sample Kolmogorov-Smirnov test, column by column, against a sorted reference.

Detectors look at each column of an embedding on its own and correct for the number of columns
(Bonferroni), as "Failing Loudly" (Rabanser et al., NeurIPS 2019, section 3) found to work. The
p-value is the asymptotic one with the effective sample size of Stephens (1970).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.errors import ModelError

Floats = npt.NDArray[np.float64]

_N_TERMS = 100
_LEAST_ROWS = 2


@dataclass(frozen=True)
class DriftTest:
    """What the test says about one view of a window.

    Attributes:
      statistic: largest distance between two distribution functions of a column, 0 to 1.
      p_value: smallest of the columns' p-values, times their number, at most 1.
      threshold: drift is a p-value below it.
    """

    statistic: float
    p_value: float
    threshold: float

    @property
    def is_drift(self) -> bool:
        """Whether the window differs from the reference."""
        return self.p_value < self.threshold


class KolmogorovSmirnov:
    """Compares windows with one reference, which is sorted once."""

    def __init__(self, reference: npt.NDArray[np.floating[Any]], threshold: float = 0.05) -> None:
        """Sorts the reference.

        Args:
          reference: ``(n, d)`` embeddings of held-out images.
          threshold: wanted share of false alarms.

        Raises:
          ModelError: fewer than two rows, or values that are not finite.
        """
        self._sorted: Floats = np.sort(_checked(reference, "reference"), axis=0)
        self._threshold = threshold

    @property
    def n_columns(self) -> int:
        """Columns of the embedding."""
        return int(self._sorted.shape[1])

    def check(self, window: npt.NDArray[np.floating[Any]]) -> DriftTest:
        """Tests a window.

        Args:
          window: ``(m, d)`` embeddings.

        Raises:
          ModelError: another number of columns, fewer than two rows, or values not finite.
        """
        rows = np.sort(_checked(window, "window"), axis=0)
        if rows.shape[1] != self.n_columns:
            raise ModelError(
                f"the window has {rows.shape[1]} columns and the reference {self.n_columns}; both "
                "must come from the same bundle"
            )
        distances = np.array(
            [_distance(self._sorted[:, each], rows[:, each]) for each in range(self.n_columns)]
        )
        p_values = _p_values(distances, len(self._sorted), len(rows))
        corrected = min(1.0, float(p_values.min()) * self.n_columns)
        return DriftTest(float(distances.max()), corrected, self._threshold)


def _checked(values: npt.NDArray[np.floating[Any]], what: str) -> Floats:
    rows: Floats = np.asarray(values, np.float64)
    if rows.ndim != 2 or len(rows) < _LEAST_ROWS or not rows.shape[1]:
        raise ModelError(f"the {what} has shape {rows.shape}, and must be (n >= 2, d >= 1)")
    if not np.isfinite(rows).all():
        raise ModelError(f"the {what} has values that are not finite")
    return rows


def _distance(one: Floats, other: Floats) -> float:
    """Returns the largest distance between the distribution functions of two sorted columns."""
    both = np.concatenate([one, other])
    share_of_one = np.searchsorted(one, both, side="right") / len(one)
    share_of_other = np.searchsorted(other, both, side="right") / len(other)
    return float(np.abs(share_of_one - share_of_other).max())


def _p_values(distances: Floats, n: int, m: int) -> Floats:
    """Returns the chance of such distances, by Kolmogorov's series."""
    root = np.sqrt(n * m / (n + m))
    scaled = (root + 0.12 + 0.11 / root) * distances
    terms = np.arange(1, _N_TERMS + 1)
    signs = np.where(terms % 2 == 1, 1.0, -1.0)
    # Below 0.2 the series converges slowly, and its value is 1 to twelve digits.
    exponents = -2.0 * np.square(terms[None, :] * np.maximum(scaled, 0.2)[:, None])
    sums = 2.0 * (signs * np.exp(exponents)).sum(axis=1)
    return np.where(scaled < 0.2, 1.0, np.clip(sums, 0.0, 1.0))
