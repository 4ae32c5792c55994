"""The decoded images of a table, in the table's order.

Images are ``(height, width, 3)`` RGB uint8 as :func:`vision.images.preprocess.load_image` makes
them: the same bytes give the same pixels in training, evaluation, reference and service.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vision.datasets.passes import map_images, map_in_order, open_pool
from vision.errors import DatasetError
from vision.images.preprocess import load_image

Images = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.intp]


class ImageSource(Protocol):
    """Decoded images that can be taken by position."""

    @property
    def n_bytes(self) -> int:
        """Memory that decoded images take for as long as the source is in use."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def take(self, positions: Positions) -> Images:
        """Returns the images at ``positions`` as ``(n, height, width, 3)`` RGB uint8."""
        ...


class CachedImages:
    """Images decoded once and held in memory as uint8."""

    def __init__(self, images: Images) -> None:
        self._images = images

    @property
    def n_bytes(self) -> int:
        """Memory of all images."""
        return self._images.nbytes

    def __len__(self) -> int:
        return len(self._images)

    def take(self, positions: Positions) -> Images:
        """Returns copies of the images at ``positions``."""
        return self._images[positions]


class StreamedImages:
    """Images decoded anew each time they are taken, by one pool of threads."""

    n_bytes = 0

    def __init__(self, paths: Sequence[Path], input_size: tuple[int, int]) -> None:
        self._paths = list(paths)
        self._input_size = input_size
        # Its threads start with the first image and end with the source.
        self._pool = open_pool()

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, positions: Positions) -> Images:
        """Reads, decodes and resizes the images at ``positions``."""
        chosen = [self._paths[position] for position in positions]
        images = np.empty((len(chosen), *self._input_size, 3), np.uint8)
        read = partial(_read, input_size=self._input_size)
        for slot, image in enumerate(map_in_order(self._pool, read, chosen)):
            images[slot] = image
        return images


def open_images(
    root: Path,
    paths: Sequence[str],
    input_size: tuple[int, int],
    budget_bytes: int,
    doing: str = "decoding images",
) -> ImageSource:
    """Decodes images into memory where they fit, else prepares to stream them.

    Args:
      root: the folder the paths are relative to.
      paths: relative paths, in the order the images will have.
      input_size: ``(height, width)`` in pixels.
      budget_bytes: the most memory the decoded images may take.
      doing: what the progress bar says.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    files = [root / path for path in paths]
    needed_bytes = len(files) * input_size[0] * input_size[1] * 3
    if needed_bytes > budget_bytes:
        return StreamedImages(files, input_size)
    images = np.empty((len(files), *input_size, 3), np.uint8)
    read = partial(_read, input_size=input_size)
    for slot, image in enumerate(map_images(read, files, doing)):
        images[slot] = image
    return CachedImages(images)


def batches(source: ImageSource, batch_size: int) -> Iterator[Images]:
    """Yields all images once, in order, in batches of at most ``batch_size``."""
    for start in range(0, len(source), batch_size):
        yield source.take(np.arange(start, min(start + batch_size, len(source))))


def _read(file: Path, input_size: tuple[int, int]) -> Images:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{file} cannot be read ({error.strerror}): it was there when the annotation table "
            "was made; restore it, or run again so that the table is made anew"
        ) from error
    return load_image(data, input_size)
