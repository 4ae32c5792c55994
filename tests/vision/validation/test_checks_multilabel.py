"""Our own checks where images have several classes: each counts on its own."""

from __future__ import annotations

from pathlib import Path

from tests.vision.validation.test_checks import make
from vision.datasets.table import AnnotationTable
from vision.validation import checks


def multilabel(*rows: tuple[str, str, str, str]) -> AnnotationTable:
    listed = make(*rows).frame.to_dict("records")
    return AnnotationTable.from_rows(Path("/data"), listed, task="multilabel")  # type: ignore[arg-type]


def test_of_several_classes_each_is_counted_on_its_own() -> None:
    table = multilabel(
        ("a", "1", "cat|sunny", "train"),
        ("b", "2", "cat", "train"),
        ("c", "3", "", "train"),
        ("d", "4", "dog|sunny", "test"),
        ("e", "5", "cat", "test"),
    )
    (missing,) = checks.missing_class_in_split(table)
    assert (missing.value, missing.severity) == (1.0, "error")
    assert missing.message == "1 class has no image in a split: dog in train"
    (balance,) = checks.class_imbalance(table)
    assert balance.value == 2.0
    assert balance.message == (
        "The largest training class cat has 2 images, 2 times the 1 of the smallest, sunny"
    )


def test_equal_images_conflict_where_their_sets_of_classes_differ() -> None:
    table = multilabel(
        ("a", "1", "cat|sunny", "train"),
        ("b", "1", "cat|sunny", "train"),
        ("c", "2", "cat", "train"),
        ("d", "2", "cat|sunny", "train"),
        ("e", "2", "", "train"),
    )
    (finding,) = checks.conflicting_labels(table)
    assert (finding.images, finding.value) == (("c", "d", "e"), 3.0)
    assert finding.message == (
        "3 images have the bytes of another class's image, such as c (cat) and d (cat and sunny) "
        "and e (none)"
    )
    assert (
        finding.notes[1] == "labelled cat and sunny; its bytes are under none, cat, cat and sunny"
    )
