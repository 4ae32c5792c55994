"""Tables lose the rows of what was moved, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.corpus import coco, write_images
from tests.vision.datasets.mending import make_splits, moved
from tests.vision.datasets.reading import load
from vision.datasets.fix import apply_fix, plan_fix, restore_fix
from vision.datasets.importing import import_dataset, write_table

pytestmark = pytest.mark.usefixtures("home")


def test_a_csv_keeps_the_text_of_its_other_rows(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", ["a.png", "b.png", "c.png"])
    shutil.copy(root / "a.png", root / "copy.png")
    mark = b"\xef\xbb\xbf"
    text = (
        b'Note,"file",label, weight\r\n'
        b'"a ""quoted"" note, over\nlines",a.png,cat,0.10\r\n'
        b",b.png,dog,1e-3\r\n"
        b"gone,/home/them/copy.png,cat,0\r\n"
        b"'',\"c.png\",dog,"
    )
    (root / "t.csv").write_bytes(mark + text)
    # One path is of another machine; it is found, and its row goes.
    plan = plan_fix(load(root / "t.csv", "table"))
    assert moved(plan) == {"copy.png": "duplicates_within_splits"}
    report = apply_fix(plan)
    expected = text.replace(b"gone,/home/them/copy.png,cat,0\r\n", b"")
    assert (root / "t.csv").read_bytes() == mark + expected
    assert (report.parent / "t.csv").read_bytes() == mark + text
    assert restore_fix(report.parent) == f"1 file moved back to {root}"
    assert (root / "t.csv").read_bytes() == mark + text
    assert (root / "copy.png").is_file()


def test_a_parquet_table_keeps_what_was_recorded(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "data", a="test/cat/a.png")
    file = tmp_path / "t.parquet"
    write_table(import_dataset(root), file)
    before = load(file, "table")
    (root / "train/dog/00.png").write_bytes(b"")
    table = load(file, "table")
    report = apply_fix(plan_fix(table))
    again = load(file, "table")
    assert again.problems == ()
    gone = {"train/cat/00.png", "train/dog/00.png"}
    pd.testing.assert_frame_equal(
        again.frame, before.frame[~before.frame["path"].isin(gone)].reset_index(drop=True)
    )
    assert (again.root, again.task) == (root, "multiclass")
    restore_fix(report.parent)
    assert load(file, "table").digest == table.digest


def test_a_coco_file_loses_images_and_their_annotations(tmp_path: Path) -> None:
    labels = {"a.png": ["cat"], "b.png": ["dog"], "c.png": ["dog"], "d.png": ["cat"]}
    root = write_images(tmp_path / "data" / "images", labels).parent
    shutil.copy(root / "images/b.png", root / "images/c.png")
    content = {"info": {"year": 2020}, **coco(labels)}
    (root / "t.json").write_text(json.dumps(content, indent=1))
    apply_fix(plan_fix(load(root / "t.json", "table")))
    after = json.loads((root / "t.json").read_text())
    assert [image["file_name"] for image in after["images"]] == ["a.png", "b.png", "d.png"]
    assert [entry["image_id"] for entry in after["annotations"]] == [0, 1, 3]
    for part in ("info", "categories"):
        assert after[part] == content[part]
    assert load(root / "t.json", "table").problems == ()
