"""Our own checks: planted faults are found with their paths and numbers, clean data is silent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.corpus import class_folders, planted_faults
from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.properties import compute_properties
from vision.validation import checks
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
    assert "2 images are 1 files that occur in more than one split, for example a = b" in (
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
    assert finding.message == f"1 classes have no image in a split: dog in {split}"


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
    found = checks.find_problems(table, compute_properties(table))
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
    assert set(found) <= set(checks.CHECK_NAMES)


def test_good_folder_has_nothing_but_its_balance(tmp_path: Path, home: Path) -> None:
    found = findings_of(class_folders(tmp_path / "data", n_per_class=20))
    assert set(found) == {"class_imbalance"}
    assert (found["class_imbalance"].value, found["class_imbalance"].severity) == (1.0, "info")


def test_check_names_are_unique() -> None:
    assert len(set(checks.CHECK_NAMES)) == len(checks.CHECK_NAMES)
    assert {"corrupt_images", "duplicates_across_splits"} <= set(checks.CHECK_NAMES)
