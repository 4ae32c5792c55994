"""A model is compared on the classes that it shares with a dataset, and on no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision.datasets.table import AnnotationTable
from vision.errors import ModelError
from vision.shared_classes import share_classes

pytestmark = pytest.mark.unit

SIZE = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9, "split": "test"}
IMAGES = np.zeros((2, 4, 3, 3), np.uint8)


def table(*labels: str) -> AnnotationTable:
    rows = [
        {"path": f"{n}.png", "sha256": str(n), "label": label, **SIZE}
        for n, label in enumerate(labels)
    ]
    return AnnotationTable.from_rows(Path("/data"), rows)


def test_equal_classes_change_nothing() -> None:
    whole = table("a", "b", "c")
    shared = share_classes(whole, ("a", "b", "c"), "m 1")
    assert shared.table is whole
    assert (shared.positions, shared.n_images_left_out) == ((0, 1, 2), 0)


def test_images_of_unknown_classes_go_and_columns_follow_the_dataset() -> None:
    shared = share_classes(table("a", "c", "new", "c"), ("c", "b", "a"), "m 1")
    assert shared.table.classes == ("a", "c")
    assert list(shared.table.frame["label"]) == ["a", "c", "c"]
    assert (shared.positions, shared.n_images_left_out) == ((2, 0), 1)
    given = np.array([[0.1, 0.5, 0.4], [0.0, 1.0, 0.0]], np.float32)
    answered = shared.wrap(lambda images: given)(IMAGES)
    np.testing.assert_allclose(answered, [[0.8, 0.2], [0.5, 0.5]], atol=1e-6)


def test_one_class_in_common_is_no_comparison() -> None:
    with pytest.raises(ModelError) as caught:
        share_classes(table("a", "x"), ("a", "b"), "colours 1")
    assert str(caught.value) == (
        "colours 1 knows the classes a, b, the dataset has a, x: 1 in common, and a score needs 2; "
        "evaluate it on a dataset of its own classes"
    )
