"""What the checking process finds in a window, as JSON values.

Only that process imports this: the detectors and what they need take 95 MB
(SciPy) or 205 MB (alibi-detect) that it shares with no other.
"""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.drift.fault import fault_before, next_fault, spoiled
from serving.drift.rows import Rows, as_drift_rows
from serving.drift.window import read_window
from vision.drift.detectors import DriftDetectors, read_detectors
from vision.drift.result import DriftResult, ViewTest
from vision.drift.views import DriftRows
from vision.errors import ModelError
from vision.wording import count

N_EXAMPLES = 8

Floats = npt.NDArray[np.float64]


def load_detectors(bundle: Path) -> DriftDetectors:
    """Returns the detectors of a bundle, without TensorFlow even where it is installed.

    Raises:
      BundleError: they, or the reference set, are missing or damaged.
      ModelError: the bundle's drift backend is not installed.
    """
    if read_detectors(bundle).backend == "alibi":
        from vision.drift.alibi_backend import without_tensorflow

        # Where alibi-detect is missing, the detectors say it better.
        with suppress(ImportError):
            without_tensorflow()
    detectors = DriftDetectors.load(bundle)
    # The first check imports what the tests need; that is not a check's time.
    detectors.check(detectors.reference.newest(detectors.sizes[0]))
    return detectors


def check_window(detectors: DriftDetectors, window: Path, most: int | None) -> dict[str, Any]:
    """Has the detectors look at the newest rows of a window's file.

    Args:
      detectors: of the model version that the window is of.
      window: the file.
      most: rows that are looked at; None for all that the detectors are calibrated for.

    Raises:
      OSError: the file cannot be read.
      ModelError: there are too few rows, they do not fit the detectors, many of them are not
        finite, or a result is not.
    """
    kept, n_seen = read_window(window)
    chosen = detectors.choose(as_drift_rows(kept), most)
    detail = _passed_over(len(kept), chosen)
    kept = kept[chosen]
    rows = as_drift_rows(kept)
    fault_before(fault := next_fault())
    result = spoiled(detectors.check(rows), fault)
    for test in result.tests:
        if not (math.isfinite(test.statistic) and math.isfinite(test.p_value)):
            raise ModelError(
                f"{test.view} at {test.n_images} images: statistic {test.statistic}, p-value "
                f"{test.p_value}; both must be finite"
            )
    return {
        "n_seen": n_seen,
        "n_images": result.n_images,
        "detail": detail,
        "is_drift": result.is_drift,
        "moved": list(result.moved),
        "tests": [test.to_json() for test in result.tests],
        "views": {view: test.to_json() for view, test in result.by_view.items()},
        "examples": _examples(result, kept, rows, detectors.reference),
    }


def _passed_over(n_kept: int, chosen: npt.NDArray[np.intp]) -> str:
    """Returns a sentence about the rows that are not finite; empty where there is none.

    Those before the oldest chosen row are no part of the check.
    """
    n_passed = n_kept - int(chosen[0]) - len(chosen) if len(chosen) else 0
    if not n_passed:
        return ""
    return f"Passed over: {count(n_passed, 'prediction')} with values that are not finite."


def _examples(
    result: DriftResult, kept: Rows, rows: DriftRows, reference: DriftRows
) -> list[dict[str, Any]]:
    """Returns the predictions that moved most, of the view that moved most."""
    moved = [test for test in result.by_view.values() if test.is_drift]
    if not moved:
        return []
    test = min(moved, key=lambda each: each.p_value / each.threshold)
    distances = _distances(test, rows, reference)
    newest = np.arange(len(kept))[-test.n_images :]
    furthest = newest[np.argsort(-distances[newest], kind="stable")][:N_EXAMPLES]
    return [
        {
            "request_id": bytes(kept["request"][index]).decode("utf-8", "replace"),
            "time": float(kept["time"][index]),
            "view": test.view,
            "distance": round(float(distances[index]), 3),
        }
        for index in furthest
    ]


def _distances(test: ViewTest, rows: DriftRows, reference: DriftRows) -> Floats:
    """Returns how far each row is from what is usual, in standard deviations of the reference.

    Of the classes, it is by how much the row's class has become more frequent.
    """
    if test.view == "classes":
        n_classes = int(max(rows.classes.max(), reference.classes.max())) + 1
        now = np.bincount(rows.newest(test.n_images).classes, minlength=n_classes)
        before = np.bincount(reference.classes, minlength=n_classes)
        growth = now / test.n_images - before / len(reference)
        return np.asarray(growth[rows.classes], np.float64)
    usual = reference.view(test.view).astype(np.float64)
    # A column that never changes says nothing about distance until it does.
    scale = np.maximum(usual.std(axis=0), 1e-6)
    apart = (rows.view(test.view).astype(np.float64) - usual.mean(axis=0)) / scale
    return np.asarray(np.sqrt(np.square(apart).mean(axis=1)), np.float64)
