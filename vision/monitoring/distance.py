"""How far an image is from the reference images, in the model's own features and in plain looks.

In each of two spaces, ``penultimate`` and ``uae``, the distance of a row is Mahalanobis' distance
to the mean of its predicted class, with one covariance for all classes (Lee et al., "A Simple
Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018, section 2.1). It is
divided by the 99th percentile of the reference images' own distances, and the larger of the two
counts: 1 is as far out as the last hundredth of the reference set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.views import DriftRows

Floats = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]

SPACES = ("penultimate", "uae")
_EDGE = 0.99
# Directions in which the reference images hardly differ would count for everything.
_LEAST_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class ReferenceDistance:
    """Distances to a reference set; see the module for what they mean."""

    spaces: tuple[_Space, ...]

    @classmethod
    def of(cls, reference: DriftRows, n_classes: int) -> ReferenceDistance:
        """Learns means and covariances from the reference rows."""
        return cls(
            tuple(
                _Space.learn(name, reference.view(name), reference.classes, n_classes)
                for name in SPACES
            )
        )

    def __call__(self, rows: DriftRows) -> npt.NDArray[np.float64]:
        """Returns ``(n,)`` distances, at least 0."""
        found = [space.distances(rows.view(space.name), rows.classes) for space in self.spaces]
        return np.asarray(np.stack(found).max(axis=0))


@dataclass(frozen=True, eq=False)
class _Space:
    name: str
    means: npt.NDArray[np.float64]
    whiten: npt.NDArray[np.float64]

    @classmethod
    def learn(cls, name: str, values: Floats, classes: Indices, n_classes: int) -> _Space:
        values = values.astype(np.float64)
        counts = np.bincount(classes, minlength=n_classes)
        sums = np.zeros((n_classes, values.shape[1]))
        np.add.at(sums, classes, values)
        # A class without a reference image is compared with all of them.
        means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], values.mean(0))
        rest = values - means[classes]
        variances, axes = np.linalg.eigh(rest.T @ rest / len(rest))
        floor = max(_LEAST_SHARE * float(variances.mean()), 1e-12)
        space = cls(name, means, axes / np.sqrt(np.maximum(variances, floor)))
        edge = float(np.quantile(space.distances(values, classes), _EDGE))
        return cls(name, means, space.whiten / max(edge, 1e-12))

    def distances(self, values: Floats, classes: Indices) -> npt.NDArray[np.float64]:
        rest = (values.astype(np.float64) - self.means[classes]) @ self.whiten
        return np.asarray(np.sqrt(np.square(rest).sum(axis=1)))
