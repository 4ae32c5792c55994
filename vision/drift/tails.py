"""How often small p-values occur where there is no drift, also smaller ones than were drawn.

The nominal p-value of a view is off in the tail: its columns are correlated, values are tied, and
the asymptotic formulas round. Among draws without drift the share of p-values up to ``x`` is taken
as drawn, and below the smallest tenth as the power law ``q (x / x0)^b`` that fits that tenth best
(Hill 1975). An exact test has ``b = 1``; some draws' worth of that is added, for steadiness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TAIL_SHARE = 0.1
_FEWEST = 20
_N_PRIOR = 20
_LEAST_P = 1e-300


@dataclass(frozen=True, eq=False)
class Tail:
    """The distribution of a p-value where there is no drift.

    Attributes:
      drawn: p-values, rising.
      start: the power law holds below.
      share: of p-values below ``start``.
      exponent: of the power law.
    """

    drawn: Floats
    start: float
    share: float
    exponent: float

    @classmethod
    def fit(cls, p_values: npt.NDArray[np.floating[Any]]) -> Tail:
        """Fits the tail of ``(n,)`` p-values; fewer than 20 of them below 1 are taken as exact."""
        drawn = np.maximum(np.sort(np.asarray(p_values, np.float64)), _LEAST_P)
        n_tail = max(_FEWEST, int(np.ceil(_TAIL_SHARE * len(drawn))))
        start = float(drawn[min(n_tail, len(drawn) - 1)])
        below = drawn[drawn < start]
        if len(below) < _FEWEST:
            return cls(drawn, 1.0, 1.0, 1.0)
        exponent = (len(below) + _N_PRIOR) / (np.log(start / below).sum() + _N_PRIOR)
        return cls(drawn, start, len(below) / len(drawn), float(exponent))

    def levels(self, p_values: npt.NDArray[np.floating[Any]]) -> Floats:
        """Returns the chance of p-values at least as small."""
        values = np.maximum(np.asarray(p_values, np.float64), _LEAST_P)
        modelled = self.share * (values / self.start) ** self.exponent
        counted = np.searchsorted(self.drawn, values, side="right") / len(self.drawn)
        return np.where(values < self.start, modelled, np.maximum(counted, self.share))

    def p_value(self, level: float) -> float:
        """Returns the p-value that is undercut with a chance of ``level``."""
        if level <= self.share:
            return max(_LEAST_P, float(self.start * (level / self.share) ** (1.0 / self.exponent)))
        return float(np.quantile(self.drawn, level))
