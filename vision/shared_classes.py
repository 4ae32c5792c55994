"""Scores a model on a dataset whose classes are not all its own.

Only the classes that both know are compared: images of the others are left out, and of the
probabilities those of shared classes are kept and made to sum to 1 again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vision.datasets.table import AnnotationTable
from vision.errors import ModelError

Probabilities = npt.NDArray[np.float32]
_FEWEST = 2


@dataclass(frozen=True)
class SharedClasses:
    """The part of a dataset that a model can be right about.

    Attributes:
      table: images of shared classes, with these classes alone.
      positions: place of each of them among the model's own classes.
      n_images_left_out: images of classes that the model does not know.
    """

    table: AnnotationTable
    positions: tuple[int, ...]
    n_images_left_out: int

    def wrap(
        self, predict: Callable[[npt.NDArray[np.uint8]], Probabilities]
    ) -> Callable[[npt.NDArray[np.uint8]], Probabilities]:
        """Returns the predictor with the shared classes as its columns, (n, k) summing to 1."""

        def restricted(images: npt.NDArray[np.uint8]) -> Probabilities:
            kept = predict(images)[:, list(self.positions)]
            total = kept.sum(axis=1, keepdims=True)
            # A model may be sure of a class that is not compared: then it has no preference here.
            even = np.full_like(kept, 1.0 / kept.shape[1])
            return np.divide(kept, total, out=even, where=total > 0)

        return restricted


def share_classes(table: AnnotationTable, known: Sequence[str], model: str) -> SharedClasses:
    """Finds what a model and a dataset have in common.

    Args:
      table: the dataset.
      known: the model's classes in the order of its probabilities.
      model: what to call the model in an error.

    Raises:
      ModelError: fewer than two classes are shared.
    """
    shared = tuple(name for name in table.classes if name in known)
    if len(shared) < _FEWEST:
        raise ModelError(
            f"{model} knows the classes {', '.join(known)}, the dataset has "
            f"{', '.join(table.classes)}: {len(shared)} in common, and a score needs "
            f"{_FEWEST}; evaluate it on a dataset of its own classes"
        )
    if shared == tuple(known) == table.classes:
        return SharedClasses(table, tuple(range(len(known))), 0)
    kept = table.keep(table.frame["label"].isin(shared))
    positions = tuple(list(known).index(name) for name in shared)
    return SharedClasses(replace(kept, classes=shared), positions, len(table) - len(kept))
