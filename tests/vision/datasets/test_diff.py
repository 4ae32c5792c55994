"""What changed between two tables: each kind, in folders and in tables, and said once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.datasets.diff import KINDS, TableDiff, compare_tables
from vision.datasets.table import AnnotationTable, Task

# Path, content, label and split.
Image = tuple[str, str, str, str]


def table(images: Sequence[Image], task: Task = "multiclass") -> AnnotationTable:
    facts = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9}
    names = ("path", "sha256", "label", "split")
    rows = [{**dict(zip(names, image, strict=True)), **facts} for image in images]
    return AnnotationTable.from_rows(Path("/data"), rows, task=task)


def in_folders(*paths: str) -> list[Image]:
    """Images as class folders have them, split/class/name, with the name as content."""
    return [(path, path.split("/")[2], path.split("/")[1], path.split("/")[0]) for path in paths]


def compare(
    before: Sequence[Image], after: Sequence[Image], task: Task = "multiclass"
) -> TableDiff:
    return compare_tables(table(before, task), table(after, task))


def found(diff: TableDiff) -> dict[str, int]:
    return {kind: count for kind, count in diff.counts.items() if count}


BASE = in_folders("train/cat/1", "train/cat/2", "train/dog/3", "train/dog/4", "test/cat/5")


def test_equal_tables_do_not_differ() -> None:
    diff = compare(BASE, BASE)
    assert diff.changes == ()
    assert list(diff.counts) == list(KINDS)
    assert diff.summary() == "5 images before, 5 after\nnothing changed"
    assert diff.frame().empty


def test_each_kind_is_told_once() -> None:
    after = [
        *in_folders("train/cat/1", "train/dog/4", "train/dog/6", "test/cat/2", "train/dog/5"),
    ]
    after[1] = ("train/dog/4", "4 compressed", "dog", "train")
    diff = compare(BASE, after)
    # 2 went to test; 3 is gone; 4 has other bytes; 5 is a dog, and trained on; 6 is new.
    assert found(diff) == {"added": 1, "removed": 1, "changed": 1, "relabelled": 1, "moved": 2}
    frame = diff.frame()
    columns = ["kind", "path", "path_before", "label_before", "label", "split_before", "split"]
    assert frame[columns].to_numpy().tolist() == [
        ["added", "train/dog/6", "", "", "dog", "", "train"],
        ["removed", "train/dog/3", "", "dog", "", "train", ""],
        ["changed", "train/dog/4", "", "dog", "dog", "train", "train"],
        ["relabelled", "train/dog/5", "test/cat/5", "cat", "dog", "test", "train"],
        ["moved", "test/cat/2", "train/cat/2", "cat", "cat", "train", "test"],
        ["moved", "train/dog/5", "test/cat/5", "cat", "dog", "test", "train"],
    ]
    assert diff.summary() == (
        "5 images before, 5 after\n"
        "1 image added\n"
        "  train/dog/6 (dog, train)\n"
        "1 image removed\n"
        "  train/dog/3 (dog, train)\n"
        "1 image with other bytes under the same path\n"
        "  train/dog/4\n"
        "1 image with another label\n"
        "  train/dog/5: cat -> dog (was test/cat/5)\n"
        "2 images in another split\n"
        "  test/cat/2: train -> test (was train/cat/2)\n"
        "  train/dog/5: test -> train (was test/cat/5)"
    )


def test_another_name_is_a_renamed_image() -> None:
    after = [("train/cat/one", "1", "cat", "train"), *BASE[1:]]
    diff = compare(BASE, after)
    assert found(diff) == {"renamed": 1}
    assert diff.summary().endswith("  train/cat/1 -> train/cat/one")


def test_in_a_table_the_path_stays_when_the_label_changes() -> None:
    before = [(f"{n}.png", str(n), "cat" if n % 2 else "dog", "train") for n in range(40)]
    after = [
        (path, content, "cat" if path < "3" else label, split)
        for path, content, label, split in before
    ]
    expected = sum(1 for old, new in zip(before, after, strict=True) if old[2] != new[2])
    assert found(compare(before, after)) == {"relabelled": expected}


def test_a_renamed_class_is_one_line() -> None:
    after = [
        (path.replace("/cat/", "/feline/"), content, label.replace("cat", "feline"), split)
        for path, content, label, split in BASE
    ]
    diff = compare(BASE, after)
    assert found(diff) == {"class_renamed": 1}
    assert diff.summary() == (
        "5 images before, 5 after\n1 class renamed\n  cat -> feline (3 images)"
    )


def test_what_else_happened_to_a_renamed_class_is_told() -> None:
    after = [
        ("train/feline/1", "1", "feline", "train"),
        ("train/feline/two", "2", "feline", "train"),
        ("train/dog/3", "3", "dog", "train"),
        ("train/feline/4", "4", "feline", "train"),
        ("train/feline/5", "5", "feline", "train"),
    ]
    diff = compare(BASE, after)
    assert found(diff) == {"class_renamed": 1, "renamed": 1, "relabelled": 1, "moved": 1}
    frame = diff.frame().set_index("kind")
    assert frame.loc["renamed", "path"] == "train/feline/two"
    assert frame.loc["relabelled", ["label_before", "label"]].tolist() == ["dog", "feline"]
    assert frame.loc["moved", "path"] == "train/feline/5"


def test_a_class_that_went_in_two_halves_is_not_renamed() -> None:
    after = in_folders("train/tom/1", "train/puss/2", "train/dog/3", "train/dog/4")
    diff = compare(BASE[:4], after)
    assert found(diff) == {"class_added": 2, "class_removed": 1, "relabelled": 2}
    assert diff.summary().startswith(
        "4 images before, 4 after\n2 classes added\n  puss (1 image)\n  tom (1 image)\n"
        "1 class removed\n  cat (2 images)\n"
    )


def test_of_two_classes_that_became_one_the_larger_is_renamed() -> None:
    after = [(path, content, "animal", split) for path, content, _, split in BASE]
    diff = compare([*BASE, ("x", "x", "cup", "train")], [*after, ("x", "x", "cup", "train")])
    assert found(diff) == {"class_renamed": 1, "class_removed": 1, "relabelled": 2}
    assert "  cat -> animal (5 images)" in diff.summary()


def test_a_class_that_is_there_already_takes_images_and_is_not_new() -> None:
    after = [("train/dog/1", "1", "dog", "train"), *BASE[1:]]
    assert found(compare(BASE, after)) == {"relabelled": 1}


def test_a_file_in_the_place_of_a_relabelled_one_is_new() -> None:
    after = [
        ("train/cat/1", "new", "cat", "train"),
        ("train/dog/1", "1", "dog", "train"),
        *BASE[1:],
    ]
    diff = compare(BASE, after)
    assert found(diff) == {"relabelled": 1, "added": 1}


def test_copies_are_told_apart_by_what_stayed_the_same() -> None:
    before = [
        ("train/cat/a", "same", "cat", "train"),
        ("train/dog/a", "same", "dog", "train"),
        ("test/dog/b", "same", "dog", "test"),
    ]
    after = [
        ("train/cat/a", "same", "cat", "train"),
        ("test/dog/b2", "same", "dog", "test"),
    ]
    diff = compare(before, after)
    assert diff.frame()[["kind", "path"]].to_numpy().tolist() == [
        ["removed", "train/dog/a"],
        ["renamed", "test/dog/b2"],
    ]


def test_several_classes_are_compared_as_sets() -> None:
    before = [("1", "1", "cat|dog", "train"), ("2", "2", "cat", "train"), ("3", "3", "", "train")]
    after = [("1", "1", "dog|tom", "train"), ("2", "2", "tom", "train"), ("3", "3", "dog", "train")]
    diff = compare(before, after, "multilabel")
    assert found(diff) == {"class_renamed": 1, "relabelled": 1}
    assert diff.summary().endswith(
        "  cat -> tom (2 images)\n1 image with another label\n  3: none -> dog"
    )


def test_many_changes_are_shortened() -> None:
    after = [*BASE, *in_folders(*(f"train/cat/{n:03d}" for n in range(1000, 2200)))]
    assert compare(BASE, after).summary().endswith("  and 1,195 more")


IMAGES = st.lists(
    st.tuples(
        st.sampled_from([f"{n}" for n in range(12)]),
        st.sampled_from("ABCDEF"),
        st.sampled_from(["cat", "dog", "fox"]),
        st.sampled_from(["train", "test"]),
    ),
    max_size=12,
    unique_by=lambda image: image[0],
)


@given(IMAGES, IMAGES, st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_every_image_is_accounted_for(
    before: list[Image], after: list[Image], shuffler: random.Random
) -> None:
    diff = compare(before, after)
    counts = diff.counts
    assert len(after) - len(before) == counts["added"] - counts["removed"]
    kept_before = {image[0] for image in before} - paths_of(diff, "removed")
    kept_after = {image[0] for image in after} - paths_of(diff, "added")
    assert len(kept_before) == len(kept_after)
    shuffler.shuffle(before)
    shuffler.shuffle(after)
    pd.testing.assert_frame_equal(compare(before, after).frame(), diff.frame())
    back = compare(after, before).counts
    assert (back["added"], back["removed"], back["changed"]) == (
        counts["removed"],
        counts["added"],
        counts["changed"],
    )


def paths_of(diff: TableDiff, kind: str) -> set[str]:
    return {change.path for change in diff.changes if change.kind == kind}
