"""Splits by content: exact shares, no leak, no dependence on names or order."""

from __future__ import annotations

import hashlib
import random
from collections import Counter

import pytest

from vision.datasets.split import assign_splits, fewest_images

SHARES = {"validation": 0.15, "test": 0.15}


def contents_of(n: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(n)]


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (100, {"train": 70, "validation": 15, "test": 15}),
        (20, {"train": 14, "validation": 3, "test": 3}),
        (7, {"train": 5, "validation": 1, "test": 1}),
        (3, {"train": 3}),
        (1, {"train": 1}),
    ],
)
def test_shares_are_exact_per_class(n: int, expected: dict[str, int]) -> None:
    splits = assign_splits(contents_of(n), ["cat"] * n, SHARES, seed=0)
    assert Counter(splits) == expected


def test_every_class_keeps_a_training_image() -> None:
    shares = {"validation": 0.5, "test": 0.49}
    for n in range(1, 6):
        assert "train" in assign_splits(contents_of(n), ["cat"] * n, shares, seed=0)


def test_classes_are_stratified() -> None:
    contents = contents_of(140)
    labels = ["cat"] * 100 + ["dog"] * 40
    splits = assign_splits(contents, labels, SHARES, seed=0)
    counted = Counter(zip(labels, splits, strict=True))
    assert counted["cat", "test"] == 15
    assert counted["dog", "test"] == 6
    assert counted["dog", "validation"] == 6


def test_order_does_not_matter() -> None:
    contents = contents_of(90)
    label_of = {content: "cat" if int(content, 16) % 3 else "dog" for content in contents}
    expected = split_of(contents, label_of)
    random.Random(0).shuffle(contents)
    assert split_of(contents, label_of) == expected


def split_of(contents: list[str], label_of: dict[str, str]) -> dict[str, str]:
    labels = [label_of[content] for content in contents]
    return dict(zip(contents, assign_splits(contents, labels, SHARES, seed=1), strict=True))


def test_equal_contents_share_a_split_even_across_labels() -> None:
    contents = contents_of(30) * 2
    labels = ["cat"] * 30 + ["dog"] * 30
    splits = assign_splits(contents, labels, SHARES, seed=0)
    assert splits[:30] == splits[30:]


def test_another_seed_holds_out_other_images() -> None:
    contents, labels = contents_of(100), ["cat"] * 100
    first = assign_splits(contents, labels, SHARES, seed=0)
    assert first == assign_splits(contents, labels, SHARES, seed=0)
    assert first != assign_splits(contents, labels, SHARES, seed=1)


def test_no_shares_leave_all_for_training() -> None:
    assert set(assign_splits(contents_of(9), ["cat"] * 9, {}, seed=0)) == {"train"}


@pytest.mark.parametrize(
    ("validation", "test", "expected"),
    [(0.15, 0.15, 4), (0.5, 0.0, 2), (0.5, 0.49, 3), (0.01, 0.15, 50), (0.9, 0.05, 2)],
)
def test_fewest_images_is_where_the_first_is_held_out(
    validation: float, test: float, expected: int
) -> None:
    shares = {"validation": validation, "test": test}
    assert fewest_images("validation", shares) == expected

    def held_out(n: int) -> bool:
        return "validation" in assign_splits(contents_of(n), ["cat"] * n, shares, seed=0)

    assert held_out(expected)
    assert not any(held_out(n) for n in range(1, expected))


def test_without_groups_splits_are_those_of_earlier_versions() -> None:
    # Models are compared over months on one test split: it must not move with the code.
    contents = contents_of(500)
    labels = [("cat", "dog", "fox")[int(content, 16) % 7 % 3] for content in contents]
    contents, labels = contents + contents[:20], labels + ["owl"] * 20
    shares = {"validation": 0.15, "test": 0.2}
    for groups in ((), [""] * 520):
        splits = assign_splits(contents, labels, shares, 7, groups)
        told = hashlib.sha256("".join(split[:2] for split in splits).encode()).hexdigest()
        assert told[:16] == "ee1f6c7ca9bf7d1e"


def test_groups_are_kept_whole() -> None:
    contents = contents_of(60)
    groups = [f"patient {number // 6}" for number in range(60)]
    splits = assign_splits(contents, ["cat", "dog"] * 30, SHARES, 0, groups)
    split_of_group = dict(zip(groups, splits, strict=True))
    assert [split_of_group[group] for group in groups] == splits
    # Ten patients of six images: 42 to train, 9 to each other are 7 and 1.5 patients.
    assert Counter(splits) in (
        {"train": 42, "validation": 12, "test": 6},
        {"train": 42, "validation": 6, "test": 12},
        {"train": 36, "validation": 12, "test": 12},
    )


def test_several_classes_per_image_are_spread() -> None:
    contents = contents_of(200)
    labels = ["cat|dog" if n % 4 == 0 else "cat" if n % 2 else "" for n in range(200)]
    splits = assign_splits(contents, labels, SHARES, 0, is_multilabel=True)
    counted = Counter(zip(labels, splits, strict=True))
    for label, n_images in (("cat|dog", 50), ("cat", 100), ("", 50)):
        for split, share in {"train": 0.7, **SHARES}.items():
            assert abs(counted[label, split] - share * n_images) <= 1
