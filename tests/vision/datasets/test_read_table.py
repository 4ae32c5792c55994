"""Tables of images: what is kept, what is left out and how it is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpus import class_folders, write_images
from tests.vision.datasets.reading import listed, load
from vision.datasets.problems import Problems
from vision.datasets.read_table import read_table_rows
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")


def write_table(root: Path, frame: pd.DataFrame, suffix: str) -> Path:
    file = root / f"images{suffix}"
    frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_table_gives_labels_and_splits(tmp_path: Path, suffix: str) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    paths = [f"{name}/{number:02d}.png" for name in ("cat", "dog") for number in range(3)]
    splits = ["train", "valid", "test"] * 2
    frame = pd.DataFrame({"path": paths, "label": ["10", "7"] * 3, "split": splits, "note": "x"})
    table = load(write_table(root, frame, suffix), "table")
    assert table.classes == ("10", "7")
    assert table.root == root
    assert table.frame["split"].tolist() == ["train", "validation", "test"] * 2


def test_table_names_what_it_leaves_out(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    rows = [
        ("cat/00.png", "cat"),
        (str(root / "dog" / "00.png"), "dog"),
        ("cat/00.png", "dog"),
        ("cat/99.png", "cat"),
        ("../outside.png", "cat"),
        ("dog/01.png", ""),
    ]
    table = load(write_table(root, pd.DataFrame(rows, columns=["path", "label"]), ".csv"), "table")
    assert table.frame["path"].tolist() == ["cat/00.png", "dog/00.png"]
    assert listed(table) == {
        "missing_files": ("cat/99.png",),
        "outside_root": ("../outside.png",),
        "duplicate_rows": ("cat/00.png",),
        "unlabelled_images": ("dog/01.png",),
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            {"name": ["a"], "label": ["b"]},
            "has the columns name, label, but none with the path of the image; call it path.",
        ),
        ({"path": ["a"], "label": ["b"], "split": ["dev"]}, "has the splits dev; use train"),
        (
            {"path": ["a", "b"], "label": ["x", "y"], "split": ["train", ""]},
            "has 1 row without a split",
        ),
    ],
)
def test_unusable_tables_say_why(tmp_path: Path, frame: dict[str, list[str]], message: str) -> None:
    file = write_table(tmp_path, pd.DataFrame(frame), ".csv")
    with pytest.raises(DatasetError, match=message):
        load(file, "table")


def test_table_must_be_of_a_known_kind(tmp_path: Path) -> None:
    (tmp_path / "images.xlsx").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"must end in \.csv, \.parquet, \.json; save"):
        load(tmp_path / "images.xlsx", "table")
    with pytest.raises(DatasetError, match=r"images.csv does not exist"):
        load(tmp_path / "images.csv", "table")


def test_a_path_that_is_no_file_below_the_folder_is_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    paths = ["cat/00.png", ".", "dog/00.png", "", "cat/..", "", ".."]
    frame = pd.DataFrame({"path": paths, "label": ["cat", "cat", "dog", *["cat"] * 4]})
    table = load(write_table(root, frame, ".csv"), "table")
    assert table.frame["path"].tolist() == ["cat/00.png", "dog/00.png"]
    assert listed(table) == {"outside_root": (".", "..", "cat/..", "row 4", "row 6")}
    (finding,) = table.problems
    assert finding.message == (
        "5 paths of the table that are not below its folder (left out), for example ."
    )


def test_an_empty_path_is_named_by_its_row(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=1)
    frame = pd.DataFrame({"path": ["cat/00.png", None, "dog/00.png"], "label": ["a", "b", "b"]})
    (finding,) = load(write_table(root, frame, ".parquet"), "table").problems
    assert finding.message.endswith("for example row 2: the path is empty")


def test_labels_that_clash_are_told(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", ["a.png", "b.png", "c.png", "d.png"])
    labels = ["Cat", "cat ", "cafe\u0301", "caf\u00e9"]
    frame = pd.DataFrame({"path": ["a.png", "b.png", "c.png", "d.png"], "label": labels})
    table = load(write_table(root, frame, ".csv"), "table")
    assert table.classes == ("Cat", "caf\u00e9", "cat")
    (finding,) = table.problems
    assert finding.message == (
        "2 class names that differ only in case or Unicode form: Cat beside cat; "
        "cafe\u0301 beside caf\u00e9 (one class, two Unicode forms)"
    )


def test_parquet_values_are_read_as_people_write_them(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", ["a.png", "b.png", "c.png"])
    frame = pd.DataFrame(
        {
            "path": ["a.png", "b.png", "c.png"],
            "label": [1.0, 2.0, None],
            "date": pd.to_datetime(["2020-01-02 03:04:05", None, None]),
            "thumbnail": [b"\x89PNG", b"", b""],
            "box": [[0, 1], [1, 2], []],
        }
    )
    table = load(write_table(root, frame, ".parquet"), "table")
    assert table.frame["label"].tolist() == ["1", "2"]
    assert table.frame["date"].tolist() == ["2020-01-02T03:04:05", ""]
    # Columns of bytes and of lists may hold whole images: they are not even read.
    assert listed(table) == {"unlabelled_images": ("c.png",)}


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet PAR1"])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=r"t\.parquet cannot be read as a table: "):
        load(tmp_path / "t.parquet", "table")


def test_parquet_text_that_is_no_unicode_is_refused(tmp_path: Path) -> None:
    damaged = pa.array([b"a.png", b"\xff"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"path": damaged, "label": ["a", "b"]}), tmp_path / "t.parquet")
    with pytest.raises(DatasetError, match=r"t\.parquet cannot be read as a table: 'utf-8' codec"):
        load(tmp_path / "t.parquet", "table")


def test_a_table_without_rows_has_no_image(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label\n")
    with pytest.raises(DatasetError, match=r"has no usable image; a table needs rows"):
        load(tmp_path / "t.csv", "table")


def test_a_path_that_is_not_there_is_told_before_its_kind(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "nothere", "does not exist; give the table of the images, or a folder with a "),
        (tmp_path, "is no file; give the table of the images, or use dataset.source folder"),
    ):
        with pytest.raises(DatasetError, match=f"^dataset.path {path} {message}"):
            read_table_rows(path, Problems())
