"""Groups of images that show one picture: candidates by hash, verified by pixels.

Images of the same bytes are one here, and images of one colour are left out: their hashes say
nothing, and ``near_constant_images`` names them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.datasets.table import AnnotationTable
from vision.validation.near_duplicates.groups import FARTHEST, LARGEST, group_copies
from vision.validation.near_duplicates.hashes import Numbers, Signs, as_signs, close_pairs
from vision.validation.near_duplicates.pixels import Thumbnails

# Of 64 bits. Copies of CIFAR-10 images differ in 4 of them, in 10 one of a thousand does; smooth
# pictures have few frequencies to hash and come to 14 at WEBP's quality 30. Of the pairs of 10,000
# different images 1 in 80,000 differs in 12 or fewer: that many are decoded in vain.
_LARGEST_BITS = 12
# What a group must stand apart from is looked for farther away than its members.
_BACKGROUND_BITS = 16
_MOST_PAIRS = 32

Pairs = dict[tuple[int, int], float]


@dataclass(frozen=True)
class Copies:
    """Which rows of a table show the same picture.

    Attributes:
      groups: rows of each group, those of the same bytes too; sorted.
      picture: for each row a number that rows of the same bytes share, -1 for flat images.
      thumbnails: the pixels, by picture.
      signs: hash of each picture, and that of its mirror image.
      pairs: how much two pictures differ, where that was measured.
    """

    groups: list[list[int]]
    picture: npt.NDArray[np.int64]
    thumbnails: Thumbnails
    signs: tuple[Signs, Signs]
    pairs: Pairs

    def is_mirrored(self, row: int, other: int) -> bool:
        """Whether a row shows the mirror image of another rather than the image itself."""
        upright, mirrored = self.signs
        of = upright[self.picture[other]]
        return bool(mirrored[self.picture[row]] @ of > upright[self.picture[row]] @ of)

    def levels_apart(self, row: int, other: int) -> float:
        """Returns how much the small pixels of two rows differ on average, 0 to 255."""
        first, second = int(self.picture[row]), int(self.picture[other])
        return self.thumbnails.levels_apart(first, second, self.is_mirrored(row, other))

    def neighbours(self) -> dict[int, list[int]]:
        """Returns for each picture those it was compared with, the most similar first."""
        found: dict[int, list[int]] = {}
        for one, other in sorted(self.pairs, key=lambda pair: (self.pairs[pair], pair)):
            found.setdefault(one, []).append(other)
            found.setdefault(other, []).append(one)
        return found


def find_copies(table: AnnotationTable, properties: pd.DataFrame) -> Copies:
    """Finds the images of a table that show one picture.

    Args:
      table: the annotation table.
      properties: one row per row of the table, see :mod:`vision.properties`.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    frame = table.frame
    usable = np.flatnonzero(~properties["is_near_constant"].to_numpy(bool))
    numbers, _ = pd.factorize(frame["sha256"].iloc[usable])
    picture = np.full(len(frame), -1, np.int64)
    picture[usable] = numbers
    firsts = usable[np.unique(numbers, return_index=True)[1]]
    signs = (
        as_signs(properties["perceptual_hash"].iloc[firsts]),
        as_signs(properties["mirrored_hash"].iloc[firsts]),
    )
    shorter_px = frame[["width", "height"]].min(axis=1).to_numpy(np.int64)[firsts]
    thumbnails = Thumbnails(table.root, frame["path"].iloc[firsts].tolist(), shorter_px)
    pairs = _measure(signs, thumbnails)
    listed = [(difference, *pair) for pair, difference in pairs.items()]
    groups = group_copies(len(firsts), listed)
    return Copies(_rows(groups, picture), picture, thumbnails, signs, pairs)


def _measure(signs: tuple[Signs, Signs], thumbnails: Thumbnails) -> Pairs:
    """Returns the pairs that may be copies and those that they must stand apart from."""
    pairs: Pairs = {}
    everything = np.arange(len(signs[0]))
    _add(pairs, signs, everything, thumbnails, _LARGEST_BITS, "comparing similar images")
    likely = [pair for pair, difference in pairs.items() if difference <= LARGEST]
    numbers = np.unique(np.array(likely, np.int64))
    _add(pairs, signs, numbers, thumbnails, _BACKGROUND_BITS, "comparing their neighbours")
    return pairs


def _add(
    pairs: Pairs,
    signs: tuple[Signs, Signs],
    numbers: Numbers,
    thumbnails: Thumbnails,
    largest_bits: int,
    doing: str,
) -> None:
    """Measures the pictures ``numbers`` against all whose hashes, or mirrored ones, are close."""
    upright = signs[0]
    is_all = len(numbers) == len(upright)
    found = []
    for looked_for in signs:
        which, other = close_pairs(
            looked_for[numbers], upright, largest_bits, _MOST_PAIRS, earlier_only=is_all
        )
        one = numbers[which]
        low, high = np.minimum(one, other), np.maximum(one, other)
        found.append((low[low < high], high[low < high]))
    thumbnails.read(np.concatenate([part for pair in found for part in pair]), doing)
    for is_mirrored, (low, high) in enumerate(found):
        differences = thumbnails.differences(low, high, bool(is_mirrored))
        matters = differences <= FARTHEST
        keys = zip(low[matters].tolist(), high[matters].tolist(), strict=True)
        for key, difference in zip(keys, differences[matters].tolist(), strict=True):
            pairs[key] = min(difference, pairs.get(key, np.inf))


def _rows(groups: list[list[int]], picture: Numbers) -> list[list[int]]:
    """Returns the rows of groups of pictures."""
    order = np.argsort(picture, kind="stable")
    starts = np.searchsorted(picture[order], np.arange(picture.max(initial=-1) + 2))
    return [
        sorted(row for one in group for row in order[starts[one] : starts[one + 1]].tolist())
        for group in groups
    ]
