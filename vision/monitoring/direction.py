"""Which of the newest images drift is most visible in.

A population that moves by one standard deviation has hardly an image that is an outlier, so a
distance finds none of them. Fisher's linear discriminant between the reference images and the
newest ones tells the direction in which they differ, and each image has a place along it. As in
:mod:`vision.monitoring.distance`, 1 is as far out as the last hundredth of the reference set. Three
spaces are looked at, and the furthest place counts: ``penultimate``, ``uae`` and ``properties``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.views import DriftRows

Floats = npt.NDArray[np.floating[Any]]

SPACES = ("penultimate", "uae", "properties")
_EDGE = 0.99
# Between fewer rows than that many times the columns, a direction is found where there is none.
_LEAST_ROWS = 4
_SHRINKAGE = 0.05


def places_along_drift(reference: DriftRows, newest: DriftRows) -> npt.NDArray[np.float64]:
    """Returns how far each of the newest rows lies in the direction of drift, ``(n,)``.

    Rows without properties are placed by the other spaces; where no space has enough rows, all are
    at 0.
    """
    places = np.zeros(len(newest))
    for name in SPACES:
        values = newest.view(name).astype(np.float64)
        known = np.isfinite(values).all(axis=1)
        if known.sum() < _LEAST_ROWS * values.shape[1]:
            continue
        found = _places(reference.view(name).astype(np.float64), values[known])
        places[known] = np.maximum(places[known], found)
    return places


def _places(reference: Floats, values: Floats) -> Floats:
    centre, shift = reference.mean(axis=0), values.mean(axis=0) - reference.mean(axis=0)
    # In standard deviations of the reference set, so that no unit counts more than another.
    scale = reference.std(axis=0)
    scale[scale < 1e-12] = 1.0
    old, new, shift = (reference - centre) / scale, (values - centre) / scale, shift / scale
    rest = new - new.mean(axis=0)
    covariance = (old.T @ old / len(old) + rest.T @ rest / len(rest)) / 2
    spread = _SHRINKAGE * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    direction = np.linalg.solve(covariance + spread * np.eye(len(covariance)), shift)
    edge = float(np.quantile(old @ direction, _EDGE))
    return np.asarray(new @ direction / edge) if edge > 1e-12 else np.zeros(len(new))
