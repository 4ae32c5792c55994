"""What the columns of a table mean, and which tables are refused because nobody can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.datasets.problems import Problems
from vision.datasets.read_columns import Columns
from vision.datasets.table_columns import PATH_NAMES, read_rows
from vision.datasets.table_rows import TableRows
from vision.errors import DatasetError

FILE = Path("t.csv")


def rows_of(problems: Problems | None = None, **columns: str) -> TableRows:
    """Each column as its values with spaces between them; an underscore is an empty value."""
    values: Columns = {
        name: ["" if value == "_" else value for value in text.split(" ")]
        for name, text in columns.items()
    }
    return read_rows(values, FILE, problems or Problems())


def refusal_of(**columns: str) -> str:
    with pytest.raises(DatasetError) as refused:
        rows_of(**columns)
    return str(refused.value)


@pytest.mark.parametrize("name", [*PATH_NAMES, "Path", "FileName", "ABS_PATH"])
def test_the_path_has_many_names(name: str) -> None:
    rows = rows_of(**{name: "a.png b.png", "Label": "x y"})
    assert (rows.paths, rows.labels, rows.task) == (["a.png", "b.png"], ["x", "y"], "multiclass")


def test_of_two_paths_the_one_called_path_counts() -> None:
    problems = Problems()
    assert rows_of(problems, path="a b", file="c d", label="x y").paths == ["a", "b"]
    (finding,) = problems.findings()
    assert finding.model_dump(include={"check", "severity", "message", "images", "value"}) == {
        "check": "ignored_columns",
        "severity": "info",
        "message": "1 column of the table that is not used: file",
        "images": (),
        "value": 1.0,
    }
    assert refusal_of(file="a b", image="c d", label="x y") == (
        "t.csv has the columns file and image, and each may be the path of the image; call one of "
        "them path."
    )


def test_labels_are_names_with_bars_between_them() -> None:
    rows = rows_of(path="a b c", labels="dog|cat _ cat|cat")
    assert (rows.labels, rows.task) == (["cat|dog", "", "cat"], "multilabel")
    assert rows.raw_names == {"dog", "cat"}


def test_names_are_trimmed_and_composed() -> None:
    columns = {"path": ["a", "b"], "label": ["  cafe\u0301", "dog "]}
    assert read_rows(columns, FILE, Problems()).labels == ["caf\u00e9", "dog"]
    columns = {"path": ["a"], "labels": ["dog | cafe\u0301"]}
    assert read_rows(columns, FILE, Problems()).labels == ["caf\u00e9|dog"]


def test_one_hot_columns_with_one_class_each_are_multiclass() -> None:
    rows = rows_of(path="a b c", dog="0 1 0", cat="1 0 0", fox="0 0 1", split="train valid test")
    assert (rows.labels, rows.task) == (["cat", "dog", "fox"], "multiclass")
    assert rows.splits == ["train", "validation", "test"]


@pytest.mark.parametrize(("no", "yes"), [("0", "1"), ("false", "TRUE"), ("0.0", "1.0")])
def test_one_hot_columns_with_any_number_of_classes_are_multilabel(no: str, yes: str) -> None:
    rows = rows_of(path="a b c", dog=f"{no} {yes} {no}", cat=f"{yes} {yes} {no}")
    assert (rows.labels, rows.task) == (["cat", "cat|dog", ""], "multilabel")


def test_other_columns_are_named() -> None:
    problems = Problems()
    columns = {"Unnamed: 0": "0 1", "id": "1 0", "path": "a b", "note": "x y"}
    rows = rows_of(problems, **columns, cat="1 0", dog="0 1")
    assert rows.labels == ["cat", "dog"]
    (finding,) = problems.findings()
    assert finding.message == "3 columns of the table that are not used: Unnamed: 0; id; note"


def test_one_column_beside_one_hot_ones_is_no_guess() -> None:
    assert refusal_of(path="a b c", cat="1 0 1", dog="0 1 0", blurred="0 1 1") == (
        "t.csv has one class in each row but for the column blurred, which may be a remark or a "
        "class; remove it, or write the classes into a column labels with | between them."
    )


def test_two_columns_are_classes_even_if_one_is_always_there() -> None:
    assert rows_of(path="a b", cat="1 1", dog="0 1").labels == ["cat", "cat|dog"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"path": "a", "label": "x", "Labels": "x"}, "has both label and Labels; keep one"),
        ({"path": "a b", "cat": "1 0"}, "has the columns path, cat, but no class; a table needs"),
        ({"path": "a b", "cat": "x y"}, "has the columns path, cat, but no class"),
        ({"path": "a b c", "cat": "1 _ 0", "dog": "0 1 1"}, "row 2: column cat is empty there"),
        ({"path": "a b", "a|b": "1 0", "c": "0 1"}, r"has the class 'a\|b'; \| stands between"),
        ({"path": "a b", "cat ": "1 0", "cat": "0 1"}, "has the column cat more than once"),
        ({"path": "a b", "labels": "x x||y"}, r"row 2: labels 'x\|\|y' has an empty name"),
        ({"path": "a b", "label": "x y", "split": "train dev"}, "has the splits dev; use train"),
        ({"path": "a b", "label": "x y", "split": "train _"}, "has 1 row without a split"),
    ],
)
def test_unclear_tables_are_refused(columns: dict[str, str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        rows_of(**columns)


def test_an_empty_label_is_left_to_be_reported() -> None:
    assert rows_of(path="a b", label="_ x").labels == ["", "x"]


def test_groups_and_dates_are_read() -> None:
    problems = Problems()
    columns = {
        "path": ["a", "b", "c", "d"],
        "label": ["x"] * 4,
        "Group": ["p1 ", "", "p1", "p2"],
        "DATE": ["2020-01-02", "2020-01-02 03:04:05", "", "yesterday"],
    }
    rows = read_rows(columns, FILE, problems)
    assert rows.groups == ["p1", "", "p1", "p2"]
    assert rows.dates == ["2020-01-02", "2020-01-02T03:04:05", "", ""]
    (finding,) = problems.findings()
    assert finding.message == (
        "1 column of the table that is not used: date in 1 row, which holds no ISO 8601 date, "
        "for example 'yesterday'"
    )


def test_a_table_with_every_column_of_an_import_is_complete() -> None:
    facts = {"sha256": "f", "width": "1", "height": "1", "mode": "RGB", "n_bytes": "9"}
    ours = {"path": "a", "label": "x", "split": "train", "group": "_", "date": "_", **facts}
    problems = Problems()
    assert rows_of(problems, **ours).is_complete
    assert problems.findings() == ()
    assert not rows_of(**{**ours, "split": "_"}).is_complete
    del ours["mode"]
    assert not rows_of(**ours).is_complete


@pytest.mark.parametrize("name", ["class", "Category"])
def test_what_others_call_a_label(name: str) -> None:
    problems = Problems()
    rows = rows_of(problems, **{"filename": "a b c", name: "x y x", "blurred": "0 1 _"})
    assert (rows.labels, rows.task) == (["x", "y", "x"], "multiclass")
    (finding,) = problems.findings()
    assert finding.message == "1 column of the table that is not used: blurred"
    # Numbers are names, also where they are 0 and 1.
    assert rows_of(**{"filename": "a b", name: "0 1"}).labels == ["0", "1"]
    # Where the classes are told otherwise, it is a remark, or a class of that name.
    assert rows_of(**{"path": "a b", name: "x y", "label": "p q"}).labels == ["p", "q"]
    assert rows_of(**{"path": "a b", name: "x y", "cat": "0 1", "dog": "1 0"}).labels == (
        ["dog", "cat"]
    )


def test_a_class_and_a_category_are_no_guess() -> None:
    assert refusal_of(path="a", **{"class": "x", "category": "y"}) == (
        "t.csv has both class and category; keep one of the two, called label."
    )
