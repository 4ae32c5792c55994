"""What a simulation sends: images of the test split, corrupted or as they lie there.

Clean images are the bytes of their files. Corrupted ones are decoded, changed in their own size,
and written as PNG, which loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from vision.datasets.table import AnnotationTable, split_label
from vision.drift.corruptions import corrupt, shift_classes
from vision.errors import DatasetError
from vision.images.decode import decode_image
from vision.images.types import Pixels
from vision.wording import count

# The files stay as they are: nothing is corrupted.
UNTOUCHED = ("clean", "class_shift")
UNSEEN = "new_class"

_SPLIT = "test"
_AT_A_TIME = 32


@dataclass(frozen=True)
class ImagePlan:
    """Which images are sent.

    Attributes:
      scenario: ``clean`` or one of :data:`vision.drift.corruptions.SCENARIOS`.
      severity: 1, 2 or 3.
      n_images: how many.
    """

    scenario: str
    severity: int
    n_images: int

    def __str__(self) -> str:
        severity = "" if self.scenario == "clean" else f", severity {self.severity}"
        return f"{count(self.n_images, 'image')} ({self.scenario}{severity})"


@dataclass(frozen=True)
class Query:
    """An image to send.

    Attributes:
      path: of the file that it was made of, relative to the dataset.
      data: the bytes that are sent.
      labels: what it shows; none for an image of no class.
    """

    path: str
    data: bytes
    labels: tuple[str, ...]


class HeldOutImages:
    """The images of a dataset that no model was trained on."""

    def __init__(self, table: AnnotationTable) -> None:
        """Reads no image yet.

        Raises:
          DatasetError: the test split is empty.
        """
        rows = table.rows(_SPLIT)
        if rows.empty:
            raise DatasetError(
                f"split {_SPLIT} of {table.root} has no image to send; add images to it, or hold "
                f"out some with dataset.split.{_SPLIT}"
            )
        self._root = table.root
        self._paths: list[str] = rows["path"].tolist()
        self._labels: list[str] = rows["label"].tolist()
        self._is_multilabel = table.task == "multilabel"

    def __len__(self) -> int:
        return len(self._paths)

    def queries(
        self, plan: ImagePlan, rng: np.random.Generator, tell: Callable[[str], None]
    ) -> Iterator[Query]:
        """Yields what is sent, image by image.

        Args:
          plan: what is asked for.
          rng: of every draw.
          tell: is given a line where images come more than once.

        Raises:
          DatasetError: a file is gone.
          ImageError: a file is damaged.
        """
        if plan.n_images > len(self):
            tell(
                f"more images than the {len(self):,} of the test split: they come again, each time "
                f"in another order, and repeats can look like drift; --n {len(self)} sends each "
                "once"
            )
        if plan.scenario == "class_shift":
            positions = self._of_a_class(plan, rng, tell)
        else:
            positions = islice(self._in_turn(rng), plan.n_images)
        if plan.scenario in UNTOUCHED:
            for position in positions:
                yield Query(self._paths[position], self._read(position), self._truth(position))
            return
        while chosen := list(islice(positions, _AT_A_TIME)):
            before = [decode_image(self._read(position)) for position in chosen]
            after = corrupt(before, plan.scenario, plan.severity, rng)
            for position, clean, image in zip(chosen, before, after, strict=True):
                is_unseen = plan.scenario == UNSEEN and not np.array_equal(clean, image)
                labels = (UNSEEN,) if is_unseen else self._truth(position)
                yield Query(self._paths[position], as_png(image), labels)

    def _in_turn(self, rng: np.random.Generator) -> Iterator[int]:
        """Yields positions for ever: all images in a random order, then again in another."""
        while True:
            yield from rng.permutation(len(self)).tolist()

    def _of_a_class(
        self, plan: ImagePlan, rng: np.random.Generator, tell: Callable[[str], None]
    ) -> Iterator[int]:
        """Yields positions among which those of one class are too many."""
        chosen = shift_classes(self._labels, plan.severity, plan.n_images, rng)
        label, n_of_label = Counter(self._labels[position] for position in chosen).most_common(1)[0]
        n_other = len(set(chosen.tolist()))
        tell(
            f"{n_of_label:,} of the {count(plan.n_images, 'image')} are of the class {label!r}; "
            f"they are {count(n_other, 'different file')}"
        )
        yield from chosen.tolist()

    def _truth(self, position: int) -> tuple[str, ...]:
        label = self._labels[position]
        return split_label(label) if self._is_multilabel else (label,)

    def _read(self, position: int) -> bytes:
        file = Path(self._root) / self._paths[position]
        try:
            return file.read_bytes()
        except OSError as error:
            raise DatasetError(
                f"{file} cannot be read ({error.strerror}); restore it, or start again so that "
                "the dataset is read anew"
            ) from error


def as_png(image: Pixels) -> bytes:
    """Returns (height, width, 3) RGB uint8 as the bytes of a PNG file."""
    is_encoded, data = cv2.imencode(".png", image[..., ::-1])
    assert is_encoded
    return bytes(data.tobytes())
