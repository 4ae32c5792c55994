"""Which predictions monitoring can look at, and of what kind the others are.

A detector looks at all vectors of an image. A row that an older release logged has no third
embedding and is *old*; one whose vectors are not finite, or not as long as those of the reference
set, is *broken*: that is a fault of the model, or of what is in the store under its version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.views import DriftRows
from vision.monitoring.traffic import BrokenRows

Mask = npt.NDArray[np.bool_]
Vectors = npt.NDArray[np.floating[Any]]

_YOUNGEST = "penultimate"


@dataclass(frozen=True, eq=False)
class SortedRows:
    """Which rows of a batch are of which kind, ``(n,)`` each; what is neither is broken."""

    is_whole: Mask
    is_old: Mask


class RowCounter:
    """Counts what is left out, newest first.

    Args:
      n_compared: whole rows that the detectors compare; the newest are those as far back as there.
    """

    def __init__(self, n_compared: int) -> None:
        self._n_compared = n_compared
        self._n_whole = 0
        self.n_old = 0
        self.broken = BrokenRows()

    def add(self, rows: SortedRows) -> Mask:
        """Counts further rows, older than those before, and returns which are whole."""
        is_broken = ~(rows.is_whole | rows.is_old)
        whole_before = self._n_whole + np.cumsum(rows.is_whole) - rows.is_whole
        is_newest = whole_before < self._n_compared
        self._n_whole += int(rows.is_whole.sum())
        self.n_old += int(rows.is_old.sum())
        self.broken = BrokenRows(
            self.broken.n + int(is_broken.sum()),
            self.broken.n_newest + int((is_broken & is_newest).sum()),
            self.broken.of_newest + int((is_newest & ~rows.is_old).sum()),
        )
        return rows.is_whole


def sort_rows(
    probabilities: Vectors, vectors: Mapping[str, Vectors], reference: DriftRows | None
) -> SortedRows:
    """Looks at the vectors of each row.

    Args:
      probabilities: ``(n, k)``.
      vectors: by view, ``(n, ...)`` each; a row of NaN, or of no numbers, is one that is missing.
      reference: what they are compared with; without it they may have any length.
    """
    is_right: dict[str, Mask] = {"probabilities": np.isfinite(probabilities).all(axis=1)}
    for view, values in vectors.items():
        width = values.shape[1] if reference is None else reference.view(view).shape[1]
        is_right[view] = np.isfinite(values).all(axis=1) & (values.shape[1] == width > 0)
    others = np.all([each for view, each in is_right.items() if view != _YOUNGEST], axis=0)
    is_missing = np.isnan(vectors[_YOUNGEST]).all(axis=1)
    return SortedRows(others & is_right[_YOUNGEST], others & is_missing)
