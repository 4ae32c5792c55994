"""Groups of copies: what stands apart is one, what resembles everything is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from vision.validation.near_duplicates.groups import group_copies


def test_groups_stand_apart_or_are_none() -> None:
    copies = [(0.1, 0, 1), (0.3, 1, 2), (3.0, 2, 3)]  # three copies and a far relative
    scans = [(0.5, 10, 11), (0.6, 11, 12), (0.9, 12, 13), (1.5, 13, 14)]  # all resemble all
    too_far = [(1.1, 20, 21)]
    assert group_copies(30, [*copies, *scans, *too_far]) == [[0, 1, 2]]


def test_equal_pictures_among_similar_ones_are_a_group() -> None:
    pairs = [(0.0, 0, 1), (0.5, 1, 2), (0.5, 0, 2), (0.6, 2, 3), (1.2, 3, 4)]
    assert group_copies(5, pairs) == [[0, 1]]


def test_groups_do_not_depend_on_the_order_of_pairs() -> None:
    rng = np.random.default_rng(0)
    pairs = [(0.01 * place, a, b) for place, (a, b) in enumerate(pairwise(range(20)), start=1)]
    shuffled = [pairs[place] for place in rng.permutation(len(pairs))]
    assert group_copies(20, pairs) == group_copies(20, shuffled) == [list(range(20))]
