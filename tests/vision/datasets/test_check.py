"""A dataset without a split that the job needs is refused, with the reason and the next move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import class_folders, write_images
from tests.vision.datasets.reading import load
from vision.config.dataset import SplitConfig
from vision.datasets import AnnotationTable
from vision.datasets.check import check_splits
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")

NEEDED = ("train", "validation", "test")


def refusal_of(table: AnnotationTable, shares: SplitConfig, *needed: str) -> str:
    with pytest.raises(DatasetError) as refused:
        check_splits(table, needed, shares)
    return str(refused.value)


def test_a_dataset_with_all_splits_passes(tmp_path: Path) -> None:
    check_splits(load(class_folders(tmp_path, n_per_class=4)), NEEDED, SplitConfig())


def test_a_share_of_nothing_is_named(tmp_path: Path) -> None:
    shares = SplitConfig(test=0.0)
    table = load(class_folders(tmp_path, n_per_class=20), split=shares)
    assert refusal_of(table, shares, *NEEDED) == (
        f"split test of {tmp_path} has no image, and the job needs some; dataset.split.test is 0: "
        "set it above 0, add images to test, or choose another evaluation.split"
    )
    check_splits(table, ("train", "validation"), shares)


def test_classes_too_small_for_the_splits_are_told_how_large_to_be(tmp_path: Path) -> None:
    table = load(class_folders(tmp_path, n_per_class=1))
    assert refusal_of(table, SplitConfig(), *NEEDED) == (
        f"split validation of {tmp_path} has no image, and the job needs some; "
        "dataset.split.validation = 0.15 holds out one of each class that has at least 3 different "
        "images and the largest class in train has 1: add images"
    )
    table = load(class_folders(tmp_path / "more", n_per_class=3))
    check_splits(table, NEEDED, SplitConfig())


def test_nothing_is_taken_for_training(tmp_path: Path) -> None:
    full = load(class_folders(tmp_path, n_per_class=20))
    table = AnnotationTable.from_rows(tmp_path, full.rows("test").to_dict("records"))
    assert refusal_of(table, SplitConfig(), *NEEDED).endswith(
        "add images to train: no other split gives any of its own to it"
    )
    assert "the largest class in train has 0" in refusal_of(table, SplitConfig(), "validation")
    check_splits(table, ("test",), SplitConfig())


def test_groups_that_are_too_large_are_named(tmp_path: Path) -> None:
    table = load(class_folders(tmp_path, n_per_class=20), group_by="(cat|dog)")
    assert refusal_of(table, SplitConfig(), *NEEDED) == (
        f"split validation of {tmp_path} has no image, and the job needs some; "
        "dataset.split.validation = 0.15 holds out one of each class that has at least 3 groups, "
        "which are kept whole, and the largest class in train has 1: add images"
    )


def test_several_classes_per_image_are_looked_at_but_not_trained_on(tmp_path: Path) -> None:
    write_images(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "t.csv").write_text("path,labels\na.png,cat\nb.png,cat|sunny\nc.png,\n")
    table = load(tmp_path / "t.csv", "table")
    check_splits(table, (), SplitConfig())
    sentence = (
        f"{tmp_path} has images of several classes or of none (2 images, for example b.png: "
        "cat|sunny), and training and evaluation take one class per image; leave one class in each "
        "row, in a column label. To look at it as it is, use data check, diff or commit"
    )
    assert refusal_of(table, SplitConfig(), *NEEDED) == sentence
    assert refusal_of(table, SplitConfig(), "test") == sentence
