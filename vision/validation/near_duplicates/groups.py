"""Which of the images that resemble one another are copies of one picture.

How alike two different pictures can be depends on the dataset: two photographs hardly ever are,
scans of the same digit always. So a group counts only where it stands apart: its members differ
from one another by no more than copies may, and from every other image by several times that.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# Of scikit-learn's 1,797 digits, all different scans, at 28 pixels 2 makes 22 groups of "copies", 3
# makes 4, and 4 none; it finds 99 of 100 copies planted among them.
_APART = 4.0
# What rounding alone makes of equal pictures; without it nothing would stand apart from 0.
_LEAST = 0.02

LARGEST = 1.0
"""The limit of a copy, see :mod:`vision.validation.near_duplicates.pixels`."""

FARTHEST = _APART * LARGEST
"""Pairs that differ by more do not matter to any group."""


class _Forest:
    """Groups that grow as pairs are joined, the closest first (single linkage)."""

    def __init__(self, n_images: int) -> None:
        self._parents = list(range(n_images))
        self._members: dict[int, list[int]] = {}
        self._widest: dict[int, float] = {}

    def top(self, image: int) -> int:
        """Returns the image that stands for the group of ``image``."""
        parents = self._parents
        while parents[image] != image:
            parents[image] = parents[parents[image]]
            image = parents[image]
        return image

    def join(self, first: int, second: int, difference: float) -> None:
        """Makes one group of those of two tops."""
        one, other = (self._members.pop(top, [top]) for top in (first, second))
        if len(one) < len(other):
            first, second, one, other = second, first, other, one
        one.extend(other)
        self._parents[second] = first
        self._members[first] = one
        self._widest[first] = max(difference, _LEAST)

    def copies(self, top: int, next_difference: float) -> list[int]:
        """Returns a group's members where it stands apart from what joins it next, else none."""
        members = self._members.get(top, [])
        widest = self._widest.get(top, np.inf)
        stands_apart = widest <= LARGEST and next_difference >= _APART * widest
        return members if stands_apart else []

    def tops(self) -> list[int]:
        """Returns the tops of all groups of two or more."""
        return list(self._members)


def group_copies(n_images: int, pairs: Iterable[tuple[float, int, int]]) -> list[list[int]]:
    """Returns the groups of copies, each sorted, in the order of their first members.

    Args:
      n_images: images are numbered from 0.
      pairs: ``(difference, image, image)`` of all pairs that differ by ``FARTHEST`` or less.
    """
    forest = _Forest(n_images)
    found: dict[int, list[int]] = {}
    for difference, first, second in sorted(pairs):
        tops = forest.top(first), forest.top(second)
        if tops[0] == tops[1]:
            continue
        for top in tops:
            _take(found, forest.copies(top, difference))
        forest.join(*tops, difference)
    for top in forest.tops():
        _take(found, forest.copies(top, FARTHEST))
    groups = {tuple(sorted(members)) for members in found.values()}
    return [list(members) for members in sorted(groups)]


def _take(found: dict[int, list[int]], members: list[int]) -> None:
    """Notes for each member its widest group so far; groups only grow."""
    if members:
        taken = list(members)
        found.update(dict.fromkeys(taken, taken))
