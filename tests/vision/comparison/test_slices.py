from __future__ import annotations

import numpy as np
import pytest

from vision.comparison.slices import compare_slices

pytestmark = pytest.mark.unit


def test_each_class_has_its_recalls_and_the_largest_drop_comes_first() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    champion = np.array([0, 0, 0, 0, 1, 2, 2])
    challenger = np.array([0, 0, 0, 1, 1, 1, 0])

    found = compare_slices(labels, champion, challenger, ("cat", "dog", "fox", "owl"))

    told = [(each.name, each.n_images, each.champion, each.challenger) for each in found]
    assert told == [("fox", 1, 1.0, 0.0), ("cat", 4, 1.0, 0.75), ("dog", 2, 0.5, 1.0)]
    assert [each.drop for each in found] == [1.0, 0.25, -0.5]
