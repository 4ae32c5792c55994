"""What is put into quarantine is gone, the rest stays, and the numbers say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.datasets.table import AnnotationTable
from vision.validation.quarantine import leave_out
from vision.validation.report import Finding

pytestmark = pytest.mark.unit

SIZE = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9}
TABLE = AnnotationTable.from_rows(
    Path("/data"),
    [
        {"path": f"{name}.png", "sha256": name, "label": label, "split": "train", **SIZE}
        for name, label in zip("abcdef", ("cat", "dog") * 3, strict=True)
    ],
)
FINDINGS = (
    Finding(check="corrupt_images", severity="error", message="", images=("z.png",)),
    Finding(
        check="duplicates_within_splits",
        severity="warning",
        message="",
        images=("a.png", "b.png", "c.png"),
        surplus=("b.png", "c.png"),
    ),
    Finding(check="outlying_images", severity="warning", message="", images=("c.png", "d.png")),
)


def left(*checks: str) -> list[str]:
    return list(leave_out(TABLE, FINDINGS, checks).table.frame["path"])


def test_nothing_is_left_out_without_a_name() -> None:
    selection = leave_out(TABLE, FINDINGS, ())
    assert selection.table is TABLE
    assert selection.sentence == "no image was left out"


def test_of_copies_one_stays() -> None:
    assert left("duplicates_within_splits") == ["a.png", "d.png", "e.png", "f.png"]


def test_an_image_counts_for_the_first_check_that_names_it() -> None:
    checks = ("corrupt_images", "duplicates_within_splits", "outlying_images")
    selection = leave_out(TABLE, FINDINGS, checks)
    assert list(selection.table.frame["path"]) == ["a.png", "e.png", "f.png"]
    assert selection.left_out == {
        "corrupt_images": 1,
        "duplicates_within_splits": 2,
        "outlying_images": 1,
    }
    assert selection.sentence == (
        "4 images left out: 1 by corrupt_images, 2 by duplicates_within_splits, "
        "1 by outlying_images"
    )


def test_classes_stay_though_their_images_go() -> None:
    gone = tuple(TABLE.frame.loc[TABLE.frame["label"] == "cat", "path"])
    finding = Finding(check="outlying_images", severity="warning", message="", images=gone)
    selection = leave_out(TABLE, (finding,), ("outlying_images",))
    assert selection.table.classes == ("cat", "dog")
    assert set(selection.table.frame["label"]) == {"dog"}
