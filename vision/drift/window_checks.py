"""Many checks of windows that are drawn from the same rows: each row is placed once.

The verdicts are those of :class:`vision.drift.detectors.DriftDetectors`, which looks up every row
again in every window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.correction import correct
from vision.drift.detector_file import DetectorFile
from vision.drift.p_values import chi_squared, cvm_p_values
from vision.drift.ranks import cvm_untied, ks_distances
from vision.drift.settling import REFERENCE_ORDER, WINDOW_ORDER, settle
from vision.drift.views import DriftRows

Positions = npt.NDArray[np.intp]
Verdicts = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Windows that are compared at a time, for the memory's sake.
_BATCH = 10
# Of Kolmogorov's curve, up to p = 1e-14, which no threshold is below; straight lines between so
# many points of log p are within 4e-5 of it.
_FURTHEST, _N_POINTS = 4.0, 1_000


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

    def check(self, windows: Positions) -> dict[str, Verdicts]:
        """Tests windows at every size there are rows for.

        Args:
          windows: ``(n, m)`` positions of rows, newest last.

        Returns:
          for each view whether it found drift, ``(n, sizes)``; sizes rise.
        """
        sizes = [size for size in self._file.sizes if size <= windows.shape[1]]
        found = {view: np.zeros((len(windows), len(sizes)), bool) for view in self._file.views}
        for start in range(0, len(windows), _BATCH):
            batch = windows[start : start + _BATCH]
            for view, verdicts in found.items():
                for index, size in enumerate(sizes):
                    p_values = self._p_values(view, batch[:, -size:])
                    is_drift = p_values < self._file.thresholds[view][size]
                    verdicts[start : start + _BATCH, index] = is_drift
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
        find = _ks_p_values if self._file.detector == "ks" else cvm_p_values
        p_values = find(statistics, placed.n_reference, m)
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


def _ks_p_values(distances: Floats, n: int, m: int) -> Floats:
    """Returns p-values of Kolmogorov-Smirnov; SciPy takes 0.3 ms for each that is small."""
    at, log_p = _ks_curve(int(np.round(n * m / (n + m))))
    return np.exp(np.interp(distances, at, log_p))


@lru_cache(maxsize=16)
def _ks_curve(effective: int) -> tuple[Floats, Floats]:
    from scipy.stats import kstwo

    at = np.linspace(0.0, min(0.999, _FURTHEST / np.sqrt(effective)), _N_POINTS)
    return at, np.log(kstwo.sf(at, effective))
