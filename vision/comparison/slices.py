"""What becomes of each class: a better average must not be paid for by one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Slice:
    """The images of one class.

    Attributes:
      name: the class.
      n_images: of it.
      champion: recall, 0 to 1.
      challenger: recall, 0 to 1.
    """

    name: str
    n_images: int
    champion: float
    challenger: float

    @property
    def drop(self) -> float:
        """How much the recall falls; negative where it rises."""
        return self.champion - self.challenger


def compare_slices(
    labels: Indices, champion: Indices, challenger: Indices, classes: Sequence[str]
) -> tuple[Slice, ...]:
    """Returns the recalls of every class that occurs, the largest drop first."""
    slices = []
    for index, name in enumerate(classes):
        is_true = labels == index
        n_images = int(is_true.sum())
        if n_images:
            recalls = [float((found[is_true] == index).mean()) for found in (champion, challenger)]
            slices.append(Slice(name, n_images, *recalls))
    return tuple(sorted(slices, key=lambda each: (-each.drop, each.name)))
