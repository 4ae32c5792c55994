"""Whole units in one split each: never divided, the same for any order, near their shares."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.datasets.split import assign_splits
from vision.datasets.stratify import split_units

SHARES = {"validation": 0.15, "test": 0.15}
Image = tuple[str, str, str]


def name_of(what: object) -> str:
    return hashlib.sha256(str(what).encode()).hexdigest()


# (content, classes, group): copies, images of several classes, images on their own.
IMAGES = st.lists(
    st.tuples(
        st.integers(0, 60).map(name_of),
        st.sets(st.sampled_from("abcd"), max_size=3).map(lambda names: "|".join(sorted(names))),
        st.sampled_from(["", "", "g1", "g2", "g3", "g4", "g5"]),
    ),
    min_size=1,
    max_size=80,
)
SOME_SHARES = st.sampled_from(
    [SHARES, {"validation": 0.5, "test": 0.49}, {"test": 0.01}, {"validation": 0.0, "test": 0.3}]
)


def split(images: list[Image], shares: dict[str, float], seed: int = 0) -> list[str]:
    contents, labels, groups = zip(*images, strict=True)
    return assign_splits(contents, labels, shares, seed, groups, is_multilabel=True)


@given(IMAGES, SOME_SHARES, st.integers(0, 3))
@settings(deadline=None)
def test_no_unit_is_in_two_splits(images: list[Image], shares: dict[str, float], seed: int) -> None:
    splits = split(images, shares, seed)
    by_content, by_group = defaultdict(set), defaultdict(set)
    for (content, _, group), name in zip(images, splits, strict=True):
        by_content[content].add(name)
        if group:
            by_group[group].add(name)
    assert all(len(names) == 1 for names in [*by_content.values(), *by_group.values()])
    assert set(splits) <= {"train", *(name for name, share in shares.items() if share)}


@given(IMAGES, SOME_SHARES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_and_time_do_not_matter(
    images: list[Image], shares: dict[str, float], shuffler: random.Random
) -> None:
    expected = dict(zip(images, split(images, shares), strict=True))
    shuffler.shuffle(images)
    assert dict(zip(images, split(images, shares), strict=True)) == expected


@given(IMAGES, SOME_SHARES)
@settings(deadline=None)
def test_every_class_can_be_learnt(images: list[Image], shares: dict[str, float]) -> None:
    label_of: dict[str, str] = {}
    for content, label, _ in images:
        label_of[content] = min(label, label_of.get(content, label))
    splits = split(images, shares)
    in_train = {
        name
        for (content, _, _), found in zip(images, splits, strict=True)
        if found == "train"
        for name in label_of[content].split("|")
    }
    assert {name for label in label_of.values() for name in label.split("|")} <= in_train | {""}


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(1, 12), min_size=1, max_size=30)),
    SOME_SHARES,
)
@settings(deadline=None)
def test_each_class_misses_its_shares_by_one_unit_at_most(
    sizes: dict[str, list[int]], shares: dict[str, float]
) -> None:
    images = [
        (name_of(f"{name}/{unit}/{number}"), name, f"{name}{unit}")
        for name, units in sizes.items()
        for unit, size in enumerate(units)
        for number in range(size)
    ]
    if not images:
        return
    contents, labels, groups = zip(*images, strict=True)
    classes = {content: (label,) for content, label in zip(contents, labels, strict=True)}
    split_of = split_units(contents, classes, groups, shares, seed=0)
    counted = Counter(
        (label, split_of[content]) for content, label in zip(contents, labels, strict=True)
    )
    wanted = {"train": 1.0 - sum(shares.values()), **shares}
    for name, units in sizes.items():
        for held, share in wanted.items():
            assert abs(counted[name, held] - share * sum(units)) <= max(units, default=0) + 1e-9


def test_what_hangs_together_by_content_and_group_is_one_unit() -> None:
    # a-b share a group, b-c a content, c-d a group: one unit; e is alone.
    contents = ["a", "b", "b", "d", "e"]
    groups = ["g1", "g1", "g2", "g2", ""]
    classes = dict.fromkeys(contents, ("cat",))
    split_of = split_units(contents, classes, groups, {"test": 0.5}, seed=0)
    assert {split_of[name] for name in "abd"} == {"test"}
    assert split_of["e"] == "train"


def test_another_seed_holds_out_other_units() -> None:
    contents = [name_of(number) for number in range(100)]
    groups = [f"{number // 2}" for number in range(100)]
    held_out = {
        seed: assign_splits(contents, ["cat"] * 100, SHARES, seed, groups) for seed in (0, 1)
    }
    assert held_out[0] != held_out[1]
    assert (
        Counter(held_out[0]) == Counter(held_out[1]) == {"train": 70, "validation": 16, "test": 14}
    )


@pytest.mark.parametrize("n_images", [1, 2])
def test_too_few_units_all_train(n_images: int) -> None:
    contents = [name_of(number) for number in range(n_images)]
    assert set(assign_splits(contents, ["cat"] * n_images, SHARES, 0, contents)) == {"train"}


def test_a_rare_class_is_spread_before_the_common_ones() -> None:
    # 20 rare images lie among 200 common ones, ten of them in both classes.
    labels = ["common|rare"] * 10 + ["rare"] * 10 + ["common"] * 190
    contents = [name_of(number) for number in range(len(labels))]
    splits = assign_splits(contents, labels, SHARES, 0, is_multilabel=True)
    rare = Counter(name for label, name in zip(labels, splits, strict=True) if "rare" in label)
    assert rare == {"train": 14, "validation": 3, "test": 3}
