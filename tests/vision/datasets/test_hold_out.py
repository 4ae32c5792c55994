"""Whole units in one split each: never divided, the same for any order, every class in each."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from vision.datasets.hold_out import split_units
from vision.datasets.split import assign_splits

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
def test_order_and_time_do_not_matter(
    images: list[Image], shares: dict[str, float], shuffler: random.Random
) -> None:
    expected = dict(zip(images, split(images, shares), strict=True))
    shuffler.shuffle(images)
    assert dict(zip(images, split(images, shares), strict=True)) == expected


@given(IMAGES, SOME_SHARES)
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
    st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(1, 12), min_size=1, max_size=9)),
    SOME_SHARES,
    st.integers(0, 3),
)
def test_a_class_with_a_unit_for_each_split_is_in_all_of_them(
    sizes: dict[str, list[int]], shares: dict[str, float], seed: int
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
    split_of = split_units(contents, classes, groups, shares, seed)
    found = {(label, split_of[content]) for content, label in zip(contents, labels, strict=True)}
    wanted = {"train", *(split for split, share in shares.items() if share)}
    for name, units in sizes.items():
        in_splits = {split for label, split in found if label == name}
        assert "train" in in_splits
        if len(units) >= len(wanted):
            assert in_splits == wanted


@given(IMAGES, IMAGES, SOME_SHARES)
def test_a_split_moves_only_where_a_class_had_none(
    images: list[Image], more: list[Image], shares: dict[str, float]
) -> None:
    # Many units of every class: nothing is corrected, so nothing moves, and no group either.
    many = [(name_of(f"{label}{number}"), label, "") for label in "abcd" for number in range(400)]
    used = {group for _, _, group in images} | {content for content, _, _ in images}
    fresh = [image for image in more if image[0] not in used and image[2] not in used]
    before = split(many + images, shares)
    assert split(many + images + fresh, shares)[: len(before)] == before


def test_what_hangs_together_by_content_and_group_is_one_unit() -> None:
    # a-b share a group, b-c a content, c-d a group: one unit; e is alone, so one trains.
    contents = ["a", "b", "b", "d", "e"]
    groups = ["g1", "g1", "g2", "g2", ""]
    classes = dict.fromkeys(contents, ("cat",))
    for seed in range(10):
        split_of = split_units(contents, classes, groups, {"test": 0.5}, seed)
        assert len({split_of[name] for name in "abd"}) == 1
        assert split_of["a"] != split_of["e"]


def test_a_class_takes_no_others_last_image() -> None:
    # The only dog is in each unit of the cat that could leave train.
    contents = ["a", "b", "c", "d"]
    classes = {"a": ("cat", "dog"), "b": ("cat",), "c": ("cat",), "d": ("fox",)}
    for seed in range(20):
        split_of = split_units(contents, classes, [""] * 4, SHARES, seed)
        assert (split_of["a"], split_of["d"]) == ("train", "train")
        assert {split_of["b"], split_of["c"]} == {"validation", "test"}


def test_the_unit_nearest_to_the_threshold_fills_an_empty_split() -> None:
    contents = [name_of(number) for number in range(12)]
    for seed in range(30):
        places = {
            content: int(hashlib.sha256(f"{seed}/{content}".encode()).hexdigest()[:16], 16) / 2**64
            for content in contents
        }
        split_of = split_units(
            contents, dict.fromkeys(contents, ("cat",)), [""] * 12, {"test": 0.05}, seed
        )
        below = {content for content in contents if places[content] < 0.05}
        expected = below or {min(contents, key=lambda content: places[content])}
        assert {content for content in contents if split_of[content] == "test"} == expected


def test_another_seed_holds_out_other_units() -> None:
    contents = [name_of(number) for number in range(100)]
    groups = [f"{number // 2}" for number in range(100)]
    held_out = [assign_splits(contents, ["cat"] * 100, SHARES, seed, groups) for seed in (0, 1)]
    assert held_out[0] != held_out[1]


def test_one_unit_trains() -> None:
    for seed in range(10):
        assert assign_splits([name_of(1)], ["cat"], SHARES, seed) == ["train"]
        both = assign_splits([name_of(1), name_of(2)], ["cat", "cat"], SHARES, seed)
        assert "train" in both
