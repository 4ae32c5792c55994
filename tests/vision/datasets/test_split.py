"""Splits by content: no leak, no dependence on names, order or what else is there."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections import Counter

import pytest

from vision.datasets.split import assign_splits, fewest_images

SHARES = {"validation": 0.15, "test": 0.15}


def contents_of(n: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(n)]


def is_likely(n_held_out: int, n: int, share: float) -> bool:
    """Whether a split has what chance gives it, within four standard deviations."""
    return abs(n_held_out - share * n) <= 4 * math.sqrt(share * (1 - share) * n)


@pytest.mark.parametrize("n", [100, 1_000, 20_000])
@pytest.mark.parametrize("shares", [SHARES, {"validation": 0.01, "test": 0.4}])
def test_shares_are_met_on_average(n: int, shares: dict[str, float]) -> None:
    counted = Counter(assign_splits(contents_of(n), ["cat"] * n, shares, seed=0))
    assert all(is_likely(counted[split], n, share) for split, share in shares.items())
    assert counted.total() == n


@pytest.mark.parametrize("group_size", [0, 1, 5])
def test_images_that_stay_do_not_move(group_size: int) -> None:
    # 2,000 contents and 10 % more: once 18 of them moved, in groups of five 590.
    contents = contents_of(2_200)
    labels = [("cat", "dog", "fox")[number // 5 % 3] for number in range(2_200)]
    groups = [f"g{n // group_size}" if group_size else "" for n in range(2_200)]
    after = assign_splits(contents, labels, SHARES, 0, groups)
    assert (
        assign_splits(contents[:2_000], labels[:2_000], SHARES, 0, groups[:2_000])
        == (after[:2_000])
    )
    assert assign_splits(contents[::2], labels[::2], SHARES, 0, groups[::2]) == after[::2]


def test_neither_a_label_nor_another_share_moves_the_test_images() -> None:
    contents = contents_of(300)
    first = assign_splits(contents, ["cat", "dog"] * 150, SHARES, 0)
    assert assign_splits(contents, ["cat"] * 300, SHARES, 0) == first
    more = assign_splits(contents, ["cat"] * 300, {**SHARES, "validation": 0.3}, 0)
    assert [split == "test" for split in more] == [split == "test" for split in first]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [3, 4, 7])
def test_a_class_of_three_images_has_one_in_each_split(n: int, seed: int) -> None:
    labels = ["cat"] * n + ["dog"] * n
    splits = assign_splits(contents_of(2 * n), labels, SHARES, seed)
    counted = Counter(zip(labels, splits, strict=True))
    assert len(counted) == 6
    two = assign_splits(contents_of(2), ["cat", "cat"], {"test": 0.15}, seed)
    assert set(two) == {"train", "test"}


def test_a_small_class_that_grows_holds_out_nothing_that_was_trained_on() -> None:
    # What was taken to fill a split goes back; what was trained on is never held out later.
    contents = contents_of(60)
    for seed in range(10):
        for n in range(3, 60):
            before = assign_splits(contents[:n], ["cat"] * n, SHARES, seed)
            after = assign_splits(contents[: n + 1], ["cat"] * (n + 1), SHARES, seed)
            moved_from = {a for a, b in zip(before, after[:n], strict=True) if a != b}
            assert "train" not in moved_from


def test_the_line_is_cut_where_the_hash_says() -> None:
    # The promise itself, computed another way: it holds for each image alone.
    for content, split in zip(
        contents_of(400), assign_splits(contents_of(400), ["cat"] * 400, SHARES, 7), strict=True
    ):
        place = int(hashlib.sha256(f"7/{content}".encode()).hexdigest()[:16], 16) / 2**64
        assert split == ("test" if place < 0.15 else "validation" if place < 0.3 else "train")


def test_every_class_keeps_a_training_image() -> None:
    shares = {"validation": 0.5, "test": 0.49}
    for n in range(1, 6):
        assert "train" in assign_splits(contents_of(n), ["cat"] * n, shares, seed=0)


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
    ("shares", "expected"), [(SHARES, 3), ({"validation": 0.0, "test": 0.01}, 2), ({}, 1)]
)
def test_fewest_images_is_where_every_split_has_one(
    shares: dict[str, float], expected: int
) -> None:
    assert fewest_images(shares) == expected
    for seed in range(20):
        splits = assign_splits(contents_of(expected), ["cat"] * expected, shares, seed)
        assert len(set(splits)) == expected


def test_splits_are_those_of_earlier_versions() -> None:
    # Models are compared over months on one test split: it must not move with the code.
    contents = contents_of(500)
    labels = [("cat", "dog", "fox")[int(content, 16) % 7 % 3] for content in contents]
    contents, labels = contents + contents[:20], labels + ["owl"] * 20
    shares = {"validation": 0.15, "test": 0.2}
    by_groups = {
        (): "003ff516342243be",
        ("",) * 520: "003ff516342243be",
        tuple(f"g{n // 4}" for n in range(520)): "7e9e672962fe3af9",
    }
    for groups, expected in by_groups.items():
        splits = assign_splits(contents, labels, shares, 7, groups)
        told = hashlib.sha256("".join(split[:2] for split in splits).encode()).hexdigest()
        assert told[:16] == expected


@pytest.mark.parametrize("seed", range(10))
def test_groups_are_kept_whole(seed: int) -> None:
    contents = contents_of(60)
    groups = [f"patient {number // 6}" for number in range(60)]
    splits = assign_splits(contents, ["cat", "dog"] * 30, SHARES, seed, groups)
    split_of_group = dict(zip(groups, splits, strict=True))
    assert [split_of_group[group] for group in groups] == splits
    assert set(splits) == {"train", "validation", "test"}


def test_a_group_stays_though_its_first_image_goes() -> None:
    contents = contents_of(300)
    groups = [f"patient {number // 3}" for number in range(300)]
    before = assign_splits(contents, ["cat"] * 300, SHARES, 0, groups)
    kept = [number for number in range(300) if number % 3]
    after = assign_splits(
        [contents[n] for n in kept], ["cat"] * 200, SHARES, 0, [groups[n] for n in kept]
    )
    assert after == [before[n] for n in kept]


def test_several_classes_per_image_are_spread() -> None:
    contents = contents_of(2_000)
    labels = ["cat|dog" if n % 4 == 0 else "cat" if n % 2 else "" for n in range(2_000)]
    splits = assign_splits(contents, labels, SHARES, 0, is_multilabel=True)
    counted = Counter(zip(labels, splits, strict=True))
    for label, n_images in (("cat|dog", 500), ("cat", 1000), ("", 500)):
        for split, share in SHARES.items():
            assert is_likely(counted[label, split], n_images, share)


def test_60_000_images_take_a_second() -> None:
    contents = contents_of(60_000)
    labels = [str(number % 10) for number in range(60_000)]
    for groups in ((), [f"g{number // 20}" for number in range(60_000)]):
        started = time.process_time()
        assign_splits(contents, labels, SHARES, 0, groups)
        # Measured: 0.5 s; the rest is for slower machines.
        assert time.process_time() - started < 2.5
