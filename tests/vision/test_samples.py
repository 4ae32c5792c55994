"""Pictures of a few images of a dataset."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.synthetic import make_table
from vision.config import AugmentationConfig
from vision.errors import DatasetError
from vision.samples import draw_augmentations, draw_samples, sample_rows

pytestmark = pytest.mark.unit


def _rows(labels: str) -> pd.DataFrame:
    numbers = range(len(labels))
    checksums = [f"{(7 * number) % 11:064d}" for number in numbers]
    return pd.DataFrame({"path": [f"{n}.png" for n in numbers], "sha256": checksums,
                         "label": list(labels)})  # fmt: skip


def test_every_class_is_seen_before_any_is_seen_twice() -> None:
    chosen = sample_rows(_rows("aaaaaaabc"), 4)
    assert list(chosen["label"]) == ["a", "a", "b", "c"]


def test_the_choice_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = _rows("aaaabbbb")
    shuffled = rows.sample(frac=1.0, random_state=3)
    pd.testing.assert_frame_equal(sample_rows(rows, 5), sample_rows(shuffled, 5))


def test_fewer_images_than_asked_for() -> None:
    assert len(sample_rows(_rows("ab"), 40)) == 2


def test_pictures_are_png_and_always_the_same(tmp_path: Path) -> None:
    table = make_table(tmp_path, n_per_class=3)
    first = draw_samples(table, 9)
    image = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[0] > 100
    assert draw_samples(table, 9) == first
    config = AugmentationConfig()
    augmented = draw_augmentations(table, (16, 16), config, n_images=3, n_variations=2)
    assert augmented.startswith(b"\x89PNG")
    again = draw_augmentations(table, (16, 16), config, n_images=3, n_variations=2)
    assert again == augmented


def test_without_training_images_it_is_said(tmp_path: Path) -> None:
    table = make_table(tmp_path, n_per_class=1)
    table.frame["split"] = "test"
    with pytest.raises(DatasetError, match=r"split train of .* has no image"):
        draw_augmentations(table, (16, 16), AugmentationConfig())
