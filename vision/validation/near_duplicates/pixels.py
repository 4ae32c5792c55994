"""How much two pictures differ, measured on their pixels.

Images are shrunk by area averaging to squares of 16 pixels, of 32 where the images of the dataset
are large enough, and kept as uint8 RGB. Three correlations tell a copy from a similar picture:
of gray and of the colours at half that size, and of the details that are left of gray when a blur
of 2 pixels is taken away. The third matters most: a ship before a gray sky has the large shapes of
every other ship, but not its details.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vision.datasets.passes import map_images
from vision.errors import DatasetError, ImageError
from vision.images import decode_image
from vision.images.types import Pixels
from vision.validation.near_duplicates.hashes import Numbers

Floats = npt.NDArray[np.float32]

_SIDE = 16
_LARGE_SIDE = 32
# A copy at half the size of 64 pixels still fills 32.
_LARGE_FROM_PX = 64
_BLUR_PX = 2.0
_GRAY = np.array([0.299, 0.587, 0.114], np.float32)
# 1 minus the correlation that a copy may have at most. Of 2,000 copies planted in 10,000 CIFAR-10
# images (JPEG and WEBP of quality 30 to 95, sizes of 0.5 to 3, mirrored, converted, all at once)
# 1,998 were found, and no pair that shows two pictures: benchmarks/near_duplicates.py.
# Of details, gray and colour.
_LARGEST = (0.15, 0.075, 0.10)
# Of 0 to 255, over all pixels: what rounding leaves of an image without details.
_NO_VARIATION = 1e-2
_N_AT_ONCE = 1024


class Thumbnails:
    """Small squares of the images of a table, each decoded once, when it is first needed."""

    def __init__(self, root: Path, paths: Sequence[str], shorter_px: npt.NDArray[np.int64]) -> None:
        """Prepares, reads nothing.

        Args:
          root: the folder that paths are relative to.
          paths: of the images.
          shorter_px: the shorter side of each image.
        """
        self._root = root
        self._paths = paths
        is_large = len(paths) > 0 and np.median(shorter_px) >= _LARGE_FROM_PX
        self._side = _LARGE_SIDE if is_large else _SIDE
        # Untouched pages of an empty array take no memory: it grows with the images asked for.
        self._pixels = np.empty((len(paths), self._side, self._side, 3), np.uint8)
        self._is_read = np.zeros(len(paths), bool)
        unit = np.eye(self._side, dtype=np.float32)
        self._blur = cv2.GaussianBlur(unit, (1, 13), _BLUR_PX, sigmaY=_BLUR_PX)

    def read(self, numbers: Numbers, doing: str) -> None:
        """Decodes those of the named images that were not decoded before.

        Args:
          numbers: of images, repeated or not.
          doing: what the progress bar says.

        Raises:
          DatasetError: an image changed or vanished since the table was made.
        """
        missing = np.unique(numbers)
        missing = missing[~self._is_read[missing]]
        if not len(missing):
            return
        files = [self._root / self._paths[number] for number in missing]
        squares = map_images(partial(_read_square, side=self._side), files, doing)
        for number, square in zip(missing, squares, strict=True):
            self._pixels[number] = square
        self._is_read[missing] = True

    def differences(self, first: Numbers, second: Numbers, is_mirrored: bool) -> Floats:
        """Returns how much pairs differ: (n,), 0 for equal pictures, 1 for the limit of a copy.

        Brightness and contrast do not count; the images must have been read.

        Args:
          first: numbers of images.
          second: numbers of the images each is compared with.
          is_mirrored: whether the second of each pair is turned left to right before.
        """
        found = np.empty(len(first), np.float32)
        for start in range(0, len(first), _N_AT_ONCE):
            part = slice(start, start + _N_AT_ONCE)
            # A crowd of similar images is the same few in most pairs.
            ones, one = np.unique(first[part], return_inverse=True)
            others, other = np.unique(second[part], return_inverse=True)
            of_one = self._features(ones, is_mirrored=False)
            of_other = self._features(others, is_mirrored)
            found[part] = np.maximum.reduce(
                [
                    _unlike(each[one], another[other]) / largest
                    for each, another, largest in zip(of_one, of_other, _LARGEST, strict=True)
                ]
            )
        return found

    def levels_apart(self, first: int, second: int, is_mirrored: bool) -> float:
        """Returns the mean absolute difference of two thumbnails, 0 to 255."""
        one = self._pixels[first]
        other = self._pixels[second][:, :: -1 if is_mirrored else 1]
        return float(cv2.absdiff(one, np.ascontiguousarray(other)).mean())

    def _features(self, numbers: Numbers, is_mirrored: bool) -> tuple[Floats, Floats, Floats]:
        """Returns details, gray and colours of images, each row without its mean, of length 1."""
        pixels = self._pixels[numbers].astype(np.float32)
        pixels = pixels[:, :, ::-1] if is_mirrored else pixels
        gray = pixels @ _GRAY
        detail = gray - self._blur @ gray @ self._blur.T
        # The large shapes and the colours are the same at half the size.
        side = self._side // 2
        coarse = pixels.reshape(-1, side, 2, side, 2, 3).mean(axis=(2, 4)).reshape(-1, side**2, 3)
        colour = coarse - coarse.mean(axis=1, keepdims=True)
        return _unit(detail), _unit(coarse @ _GRAY), _unit(colour)


def _unit(values: Floats) -> Floats:
    """Flattens each of n, takes its mean away and scales it to length 1; 0 stays 0."""
    rows = values.reshape(len(values), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.divide(rows, lengths, np.zeros_like(rows), where=lengths > _NO_VARIATION)
    return unit


def _unlike(first: Floats, second: Floats) -> Floats:
    """Returns 1 minus the correlation of each pair of rows, 1 where one has no variation."""
    unlike: Floats = 1 - np.einsum("ij,ij->i", first, second)
    return np.maximum(unlike, 0)


def _read_square(file: Path, side: int) -> Pixels:
    try:
        pixels = decode_image(file.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{file} cannot be read ({error.strerror}): it was there when the annotation table "
            "was made; restore it, or run again so that the table is made anew"
        ) from error
    except ImageError as error:
        raise DatasetError(
            f"{file} changed since the dataset was read ({error}); run the pipeline again."
        ) from error
    square = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    return square.astype(np.uint8, copy=False)
