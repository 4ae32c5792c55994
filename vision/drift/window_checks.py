"""Many checks of windows that are drawn from the same rows: each row is placed once.

The verdicts are those of :class:`vision.drift.detectors.DriftDetectors`, which looks up every row
again in every window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.correction import correct
from vision.drift.detector_file import DetectorFile
from vision.drift.p_values import chi_squared, p_values_of
from vision.drift.ranks import cvm_untied, ks_distances
from vision.drift.settling import REFERENCE_ORDER, WINDOW_ORDER, settle
from vision.drift.views import DriftRows

Positions = npt.NDArray[np.intp]
Verdicts = npt.NDArray[np.bool_]

# Windows that are compared at a time, for the memory's sake.
_BATCH = 10


@dataclass(frozen=True, eq=False)
class _Placed:
    """Where rows lie in a reference, column by column.

    Attributes:
      order: ``(d, n)``; equal for equal values, and rising with them.
      n_below: ``(d, n)`` by order: how many reference values are smaller.
      n_up_to: ``(d, n)`` by order: how many are not larger.
      n_reference: rows of the reference.
    """

    order: npt.NDArray[np.int32]
    n_below: npt.NDArray[np.int64]
    n_up_to: npt.NDArray[np.int64]
    n_reference: int


class WindowChecks:
    """Compares windows of some rows with a reference set."""

    def __init__(self, file: DetectorFile, reference: DriftRows, rows: DriftRows) -> None:
        """Places the rows.

        Args:
          file: views, sizes and thresholds.
          reference: the reference set; it may have fewer rows than the file says.
          rows: what the windows are drawn from; all measured.
        """
        self._file = file
        self._reference = reference
        self._rows = rows
        self._compare = ks_distances if file.detector == "ks" else cvm_untied
        self._placed = {
            view: _place(
                settle(view, file.detector, reference.view(view), REFERENCE_ORDER),
                settle(view, file.detector, rows.view(view), WINDOW_ORDER),
            )
            for view in file.views
            if view != "classes"
        }

    def check(self, windows: Positions, *, is_lasting: bool = False) -> dict[str, Verdicts]:
        """Tests windows at every size there are rows for.

        Args:
          windows: ``(n, m)`` positions of rows, newest last.
          is_lasting: whether what a view found at one size counts at all larger ones, where it is
            not tested again; many times as fast where drift is found early.

        Returns:
          for each view whether it found drift, ``(n, sizes)``; sizes rise.
        """
        sizes = [size for size in self._file.sizes if size <= windows.shape[1]]
        found = {view: np.zeros((len(windows), len(sizes)), bool) for view in self._file.views}
        for view, verdicts in found.items():
            for index, size in enumerate(sizes):
                threshold = self._file.thresholds[view][size]
                if is_lasting and index:
                    verdicts[:, index] = verdicts[:, index - 1]
                untested = np.flatnonzero(~verdicts[:, index])
                for start in range(0, len(untested), _BATCH):
                    batch = untested[start : start + _BATCH]
                    p_values = self._p_values(view, windows[batch, -size:])
                    verdicts[batch, index] = p_values < threshold
        return found

    def _p_values(self, view: str, windows: Positions) -> npt.NDArray[Any]:
        """Returns the corrected p-value of each window, ``(n,)``."""
        if view == "classes":
            return self._class_p_values(windows)
        placed = self._placed[view]
        n, m = windows.shape
        d = len(placed.order)
        order = np.sort(placed.order[:, windows], axis=2)
        columns = np.arange(d)[:, None, None]
        statistics = self._compare(
            placed.n_reference,
            placed.n_below[columns, order].reshape(d * n, m),
            placed.n_up_to[columns, order].reshape(d * n, m),
        )
        p_values = p_values_of(self._file.detector, statistics, placed.n_reference, m)
        corrected: npt.NDArray[Any] = correct(self._file.correction, p_values.reshape(d, n).T)
        return corrected

    def _class_p_values(self, windows: Positions) -> npt.NDArray[Any]:
        k = self._file.n_classes
        before = np.bincount(self._reference.classes, minlength=k)
        counts = [
            [before, np.bincount(self._rows.classes[window], minlength=k)] for window in windows
        ]
        p_values: npt.NDArray[Any] = chi_squared(np.array(counts, np.float64))[1]
        return p_values


def _place(reference: npt.NDArray[Any], rows: npt.NDArray[Any]) -> _Placed:
    n, d = rows.shape
    order = np.empty((d, n), np.int32)
    n_below, n_up_to = np.zeros((d, n), np.int64), np.zeros((d, n), np.int64)
    columns = np.sort(np.asarray(reference, np.float64).T, axis=1)
    for column, ordered in enumerate(columns):
        values, order[column] = np.unique(
            np.asarray(rows[:, column], np.float64), return_inverse=True
        )
        n_below[column, : len(values)] = np.searchsorted(ordered, values, side="left")
        n_up_to[column, : len(values)] = np.searchsorted(ordered, values, side="right")
    return _Placed(order, n_below, n_up_to, len(reference))
