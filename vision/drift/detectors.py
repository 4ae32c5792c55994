"""The drift detectors of a bundle: reference set, testers and thresholds, ready to check.

A check compares the newest 50, 100, 200 and 500 rows (or whatever sizes were calibrated) with the
reference set, view by view. It keeps nothing: the same rows give the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.backend import Backend, ColumnTester, open_backend
from vision.drift.calibration import calibrate
from vision.drift.correction import correct
from vision.drift.detector_file import DetectorFile, read_detectors, write_detectors
from vision.drift.finite_rows import newest_finite
from vision.drift.result import DriftResult, ViewTest
from vision.drift.settling import REFERENCE_ORDER, WINDOW_ORDER, settle
from vision.drift.views import DriftRows, column_names, read_reference
from vision.errors import BundleError, ModelError

__all__ = ["DetectorFile", "DriftDetectors", "calibrate", "read_detectors", "write_detectors"]

REFERENCE_FILE = "reference.parquet"


class DriftDetectors:
    """Compares images with a model's reference set.

    Attributes:
      file: thresholds, and how they were found.
      reference: the reference set.
      views: what is compared.
      sizes: how many of the newest rows are compared at a time, rising.
      every_n: images from one check to the next.
      alarm_rate: wanted share of checks with a false alarm.
      backend: ``alibi`` or ``scipy``.
    """

    def __init__(self, file: DetectorFile, reference: DriftRows) -> None:
        """Sorts the reference set.

        Raises:
          ModelError: the backend's package is not installed.
        """
        self.file = file
        self.reference = reference
        self.views = file.views
        self.sizes = file.sizes
        self.every_n = file.every_n
        self.alarm_rate = file.alarm_rate
        self.backend = file.backend
        backend = open_backend(file.backend)
        self._testers = {view: self._tester(backend, view) for view in file.views}
        self._columns = {view: column_names(reference, view) for view in file.views}

    @classmethod
    def load(cls, bundle: Path) -> DriftDetectors:
        """Reads the detectors and the reference set of a bundle.

        Raises:
          BundleError: one of them is missing or damaged, or they do not belong together.
          ModelError: the backend's package is not installed.
        """
        file = read_detectors(bundle)
        reference = read_reference(bundle / REFERENCE_FILE)
        if len(reference) != file.n_reference:
            raise BundleError(
                f"{bundle}: the detectors were calibrated with {file.n_reference} reference rows, "
                f"and {REFERENCE_FILE} has {len(reference)}; make a new bundle"
            )
        return cls(file, reference)

    def choose(self, rows: DriftRows, most: int | None = None) -> npt.NDArray[np.intp]:
        """Returns the positions of the rows to check: the newest whose values are all finite.

        Args:
          rows: oldest first; those beyond the largest size take the places of rows that are passed
            over.
          most: how many at most; None for the largest size.

        Raises:
          ModelError: more than one row in ten is not finite, or too few are left.
        """
        largest = self.sizes[-1]
        most = largest if most is None else min(most, largest)
        return newest_finite(rows, self.views, self.sizes[0], most)

    def check(self, rows: DriftRows) -> DriftResult:
        """Compares the newest rows with the reference set, at every size there are rows for.

        Rows without properties are left out of that view alone, which is not tested where more
        than half of a size's rows have none.

        Args:
          rows: oldest first.

        Raises:
          ModelError: there are fewer rows than the smallest size, or a view has another width than
            the reference set or values that are not finite.
        """
        if len(rows) < self.sizes[0]:
            raise ModelError(
                f"{len(rows)} rows are too few: the smallest calibrated window has {self.sizes[0]}"
            )
        tests = tuple(test for view in self.views for test in self._check_view(view, rows))
        return DriftResult(len(rows), tests)

    def _tester(self, backend: Backend, view: str) -> ColumnTester:
        values = settle(view, self.file.detector, self.reference.view(view), REFERENCE_ORDER)
        if view == "classes":
            return backend.classes(values, self.file.n_classes)
        return backend.columns(self.file.detector, values)

    def _check_view(self, view: str, rows: DriftRows) -> Iterator[ViewTest]:
        values = self._checked(view, rows.newest(self.sizes[-1]).view(view))
        values = settle(view, self.file.detector, values, WINDOW_ORDER)
        for size in self.sizes:
            if size > len(rows):
                return
            window = values[-size:]
            if view == "properties":
                window = window[np.isfinite(window).all(axis=1)]
            if 2 * len(window) >= size:
                yield self._test(view, size, window)

    def _test(self, view: str, size: int, window: npt.NDArray[Any]) -> ViewTest:
        found = self._testers[view].test(window)
        moved = int(np.argmin(found.p_values))
        if found.p_values[moved] == 0.0:
            moved = int(np.argmax(np.where(found.p_values == 0.0, found.statistics, -1.0)))
        return ViewTest(
            view=view,
            detector="chi_squared" if view == "classes" else self.file.detector,
            n_images=len(window),
            statistic=float(found.statistics[moved]),
            p_value=float(correct(self.file.correction, found.p_values)),
            threshold=self.file.thresholds[view][size],
            column=self._columns[view][moved],
        )

    def _checked(self, view: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        expected = self.reference.view(view).shape[1:]
        if values.shape[1:] != expected:
            raise ModelError(
                f"{view} has {values.shape[1:]} columns a row and the reference set {expected}; "
                "both must come from the same bundle"
            )
        if view == "classes":
            if values.min() < 0 or values.max() >= self.file.n_classes:
                raise ModelError(
                    f"{view} has indices from {values.min()} to {values.max()}, and the model "
                    f"{self.file.n_classes} classes"
                )
        elif view != "properties" and not np.isfinite(values).all():
            raise ModelError(f"{view} has values that are not finite")
        return values
