"""Our own checks: planted faults are found with their paths and numbers, clean data is silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.corpus import class_folders, planted_faults
from vision.config import DatasetConfig, ValidationConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.properties import compute_properties
from vision.validation import checks, find
from vision.validation.report import Finding


def make(*rows: tuple[str, str, str, str]) -> AnnotationTable:
    """Makes a table of (path, content, label, split)."""
    size = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9}
    listed: list[dict[str, Any]] = [
        {"path": path, "sha256": content, "label": label, "split": split, **size}
        for path, content, label, split in rows
    ]
    return AnnotationTable.from_rows(Path("/data"), listed)


CLEAN = make(
    *(
        (f"{number}.png", str(number), "cat" if number % 2 else "dog", split)
        for number, split in enumerate(["train"] * 4 + ["validation"] * 2 + ["test"] * 2)
    )
)


@pytest.mark.parametrize(
    "check",
    [
        checks.duplicates_across_splits,
        checks.duplicates_within_splits,
        checks.conflicting_labels,
        checks.missing_class_in_split,
    ],
)
def test_clean_data_is_silent(check: Any) -> None:
    assert check(CLEAN) == []


def test_duplicates_across_splits() -> None:
    table = make(
        ("a", "1", "cat", "train"),
        ("b", "1", "cat", "test"),
        ("c", "2", "cat", "train"),
        ("d", "2", "cat", "train"),
    )
    (finding,) = checks.duplicates_across_splits(table)
    assert (finding.images, finding.value, finding.severity) == (("a", "b"), 2.0, "error")
    assert "2 images are 1 file that occurs in more than one split, for example a = b" in (
        finding.message
    )


def test_duplicates_within_splits_count_those_beyond_the_first() -> None:
    table = make(
        ("a", "1", "cat", "train"),
        ("b", "1", "cat", "train"),
        ("c", "1", "cat", "train"),
        ("d", "1", "cat", "test"),
    )
    (finding,) = checks.duplicates_within_splits(table)
    assert (finding.images, finding.value) == (("a", "b", "c"), 2.0)
    assert finding.message == (
        "2 images repeat another of their split byte for byte, for example a = b = c"
    )


def test_conflicting_labels() -> None:
    table = make(("a", "1", "cat", "train"), ("b", "1", "dog", "train"), ("c", "2", "dog", "train"))
    (finding,) = checks.conflicting_labels(table)
    assert (finding.images, finding.value, finding.severity) == (("a", "b"), 2.0, "error")
    assert finding.message.endswith("such as a (cat) and b (dog)")


@pytest.mark.parametrize(("split", "severity"), [("test", "warning"), ("train", "error")])
def test_missing_class_in_split(split: str, severity: str) -> None:
    other = "train" if split == "test" else "test"
    table = make(("a", "1", "cat", split), ("b", "2", "cat", other), ("c", "3", "dog", other))
    (finding,) = checks.missing_class_in_split(table)
    assert (finding.value, finding.severity) == (1.0, severity)
    assert finding.message == f"1 class has no image in a split: dog in {split}"


@pytest.mark.parametrize(("n_cats", "severity"), [(2, "info"), (10, "warning")])
def test_class_imbalance_is_a_ratio(n_cats: int, severity: str) -> None:
    cats = [(f"c{number}", f"c{number}", "cat", "train") for number in range(n_cats)]
    (finding,) = checks.class_imbalance(make(*cats, ("d", "d", "dog", "train")))
    assert (finding.value, finding.severity) == (float(n_cats), severity)


def test_near_constant_images() -> None:
    properties = pd.DataFrame({"path": ["a", "b"], "is_near_constant": [False, True]})
    (finding,) = checks.near_constant_images(properties)
    assert (finding.images, finding.value) == (("b",), 1.0)


def findings_of(root: Path) -> dict[str, Finding]:
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    found = find.find_problems(table, compute_properties(table))
    order = [("error", "warning", "info").index(finding.severity) for finding in found]
    assert order == sorted(order)
    assert len({finding.check for finding in found}) == len(found)
    return {finding.check: finding for finding in found}


def test_every_planted_fault_is_named_with_its_path(tmp_path: Path, home: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    Image.new("RGB", (24, 20), (90, 90, 90)).save(planted.root / "train" / "dog" / "flat.png")
    found = findings_of(planted.root)
    for check, paths in {
        "corrupt_images": (planted.truncated,),
        "not_images": (planted.text,),
        "empty_files": (planted.empty_file,),
        "empty_classes": (planted.empty_class,),
        "hidden_files": (planted.hidden, planted.thumbs),
        "duplicates_across_splits": planted.duplicate_across,
        "duplicates_within_splits": planted.duplicate_within,
        "conflicting_labels": planted.conflicting,
        "near_constant_images": ("train/dog/flat.png",),
    }.items():
        assert set(paths) <= set(found[check].images), check
    assert set(found) <= set(find.CHECK_NAMES)


def test_good_folder_has_nothing_but_its_balance(tmp_path: Path, home: Path) -> None:
    found = findings_of(class_folders(tmp_path / "data", n_per_class=20))
    assert set(found) == {"class_imbalance"}
    assert (found["class_imbalance"].value, found["class_imbalance"].severity) == (1.0, "info")


def test_check_names_are_unique() -> None:
    assert len(set(find.CHECK_NAMES)) == len(find.CHECK_NAMES)
    assert {"corrupt_images", "duplicates_across_splits"} <= set(find.CHECK_NAMES)


def test_copies_say_what_they_are_copies_of_and_which_have_to_go() -> None:
    table = make(
        ("a", "1", "cat", "train"),
        ("b", "1", "cat", "validation"),
        ("c", "1", "cat", "test"),
        ("d", "2", "cat", "train"),
        ("e", "2", "dog", "train"),
    )
    [across] = checks.duplicates_across_splits(table)
    assert across.images == ("a", "b", "c")
    assert across.notes == ("same bytes as c", "same bytes as a", "same bytes as a")
    assert across.to_leave_out == ("a", "b"), "the copy in the test stays"
    [within] = checks.duplicates_within_splits(table)
    assert (within.images, within.notes) == (("d", "e"), ("same bytes as e", "same bytes as d"))
    assert within.to_leave_out == ("e",)
    [conflicting] = checks.conflicting_labels(table)
    assert conflicting.notes == (
        "labelled cat; its bytes are under cat, dog",
        "labelled dog; its bytes are under cat, dog",
    )
    assert conflicting.to_leave_out == ("d", "e")


def test_groups_across_splits() -> None:
    table = make(
        ("a", "1", "cat", "train"),
        ("b", "2", "cat", "test"),
        ("c", "3", "cat", "train"),
        ("d", "4", "cat", "test"),
    )
    assert checks.groups_across_splits(table) == [], "images without a group are their own"
    frame = table.frame.assign(group=["p1", "p1", "p2", ""])
    (finding,) = checks.groups_across_splits(replace(table, frame=frame))
    assert (finding.images, finding.value, finding.severity) == (("a", "b"), 2.0, "error")
    assert finding.notes == ("group p1, train", "group p1, test")
    assert finding.to_leave_out == ("a",)
    assert "2 images of 1 group are in more than one split, for example group p1" in (
        finding.message
    )


@pytest.mark.parametrize(("is_allowed", "severity"), [(False, "error"), (True, "warning")])
def test_class_changes(is_allowed: bool, severity: str) -> None:
    assert checks.class_changes((), is_allowed) == []
    (finding,) = checks.class_changes(("red is now called pink", "x was added"), is_allowed)
    assert (finding.value, finding.severity) == (2.0, severity)
    assert "red is now called pink; x was added" in finding.message
    assert ("allow_class_changes" in finding.message) is not is_allowed


def test_classes_are_counted_without_what_goes_into_quarantine(tmp_path: Path, home: Path) -> None:
    root = class_folders(tmp_path / "data" / "train", n_per_class=12).parent
    class_folders(root / "test", n_per_class=4, seed=50)
    for path in sorted((root / "train" / "dog").iterdir()):
        Image.new("RGB", (24, 20), (int(path.stem), 90, 90)).save(path)
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    names = ("missing_class_in_split", "class_imbalance", "near_constant_images")
    properties = compute_properties(table)
    found = {
        quarantine: {
            finding.check: finding.value
            for finding in find.find_problems(
                table,
                properties,
                ValidationConfig(checks=names, quarantine=quarantine),
            )
        }
        for quarantine in ((), ("near_constant_images",))
    }
    dogs = float((table.frame["label"].eq("dog") & table.frame["split"].ne("test")).sum())
    in_validation = set(table.rows("validation")["label"]) & {"dog"}
    assert dogs == 12
    assert found[()].get("missing_class_in_split") is None
    assert found["near_constant_images",]["missing_class_in_split"] == 1.0 + len(in_validation)
