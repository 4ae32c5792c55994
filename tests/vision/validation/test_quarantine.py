"""What is put into quarantine is gone, the rest stays, and the numbers say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import class_folders
from tests.vision.datasets.reading import load
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.validation.quarantine import check_classes, leave_out
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


def refusal_of(table: AnnotationTable, *checks: str, needed: tuple[str, ...] = ("train",)) -> str:
    try:
        check_classes(table, leave_out(table, (*FINDINGS, *table.problems), checks), needed)
    except DatasetError as refused:
        return str(refused)
    return ""


def test_a_class_without_a_training_image_left_is_refused() -> None:
    gone = Finding(
        check="likely_wrong_labels", severity="warning", message="", images=("b.png", "d.png")
    )
    other = {"path": "g.png", "sha256": "g", "label": "dog", "split": "test", **SIZE}
    rows = [*TABLE.frame[TABLE.frame["path"] != "f.png"].to_dict("records"), other]
    table = AnnotationTable.from_rows(Path("/data"), rows, [gone])  # type: ignore[arg-type]
    assert refusal_of(table, "likely_wrong_labels") == (
        "/data: validation.quarantine leaves no training image of 1 class ('dog'; 2 images left "
        "out: 2 by likely_wrong_labels), and a model cannot learn a class without one; mend or add "
        "images, take a check off validation.quarantine, or remove the class"
    )
    assert refusal_of(table, "likely_wrong_labels", needed=("test",)) == ""
    assert refusal_of(table, "outlying_images") == ""


def test_a_class_that_never_had_a_training_image_is_no_matter_of_quarantine() -> None:
    owl = {"path": "o.png", "sha256": "o", "label": "owl", "split": "test", **SIZE}
    rows = [*TABLE.frame.to_dict("records"), owl]
    table = AnnotationTable.from_rows(Path("/data"), rows)  # type: ignore[arg-type]
    assert refusal_of(table, "outlying_images") == ""


@pytest.mark.parametrize(("name", "is_refused"), [("0.jpg", True), ("notes.txt", False)])
def test_a_class_of_damaged_images_only_is_refused(
    tmp_path: Path, home: Path, name: str, is_refused: bool
) -> None:
    root = class_folders(tmp_path / "data", n_per_class=4)
    (root / "fox").mkdir()
    (root / "fox" / name).write_bytes(b"\xff\xd8\xff" if is_refused else b"text")
    sentence = refusal_of(load(root), "corrupt_images", "not_images")
    assert ("no training image of 1 class ('fox';" in sentence) is is_refused
