"""The annotation table: order, types, digest and the way to parquet and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vision.datasets import AnnotationTable
from vision.datasets.table import COLUMNS
from vision.errors import DatasetError
from vision.validation.report import Finding


def row(path: str, label: str, split: str = "train", **changes: Any) -> dict[str, Any]:
    known = {"sha256": path.ljust(64, "0"), "width": 4, "height": 3, "mode": "RGB", "n_bytes": 9}
    return {"path": path, "label": label, "split": split, **known, **changes}


ROWS = [row("b.png", "2"), row("a.png", "10", "test"), row("c.png", "1", "validation")]
FINDING = Finding(check="empty_files", severity="error", message="1", images=("x",), value=1.0)


def make(rows: list[dict[str, Any]] = ROWS, root: str = "/data") -> AnnotationTable:
    return AnnotationTable.from_rows(Path(root), rows, [FINDING], {"kind": "folder"})


def test_rows_are_sorted_and_typed() -> None:
    table = make()
    assert list(table.frame.columns) == list(COLUMNS)
    assert table.frame["path"].tolist() == ["a.png", "b.png", "c.png"]
    assert {name: str(kind) for name, kind in table.frame.dtypes.items()} == dict(COLUMNS)
    assert isinstance(table.frame.index, pd.RangeIndex)
    assert len(table) == 3


def test_classes_are_in_plain_string_order() -> None:
    assert make().classes == ("1", "10", "2")


def test_class_index_follows_the_classes() -> None:
    index = make().class_index(["2", "1", "10", "2"])
    np.testing.assert_array_equal(index, [2, 0, 1, 2])
    assert index.dtype == np.int64


def test_unknown_label_is_named() -> None:
    with pytest.raises(DatasetError, match=r"\['bird'\] are not among the 3 classes"):
        make().class_index(["1", "bird"])


def test_rows_of_a_split_are_numbered_anew() -> None:
    rows = make().rows("validation")
    assert rows["path"].tolist() == ["c.png"]
    assert rows.index.tolist() == [0]
    with pytest.raises(DatasetError, match="no split 'dev'"):
        make().rows("dev")


def test_digest_names_the_data_and_not_the_place() -> None:
    digest = make().digest
    assert len(digest) == 64
    assert make(ROWS[::-1], root="/elsewhere").digest == digest
    for change in ({"label": "10"}, {"split": "test"}, {"sha256": "f" * 64}, {"path": "b2.png"}):
        assert make([{**ROWS[0], **change}, *ROWS[1:]]).digest != digest


def test_parquet_keeps_everything(tmp_path: Path) -> None:
    table = make()
    table.to_parquet(tmp_path / "table.parquet")
    again = AnnotationTable.from_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(again.frame, table.frame)
    assert (again.root, again.classes, again.problems) == (
        table.root,
        table.classes,
        table.problems,
    )
    assert again.source == {"kind": "folder"}
    assert again.digest == table.digest


def test_other_parquet_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"path": ["a"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DatasetError, match="is no annotation table"):
        AnnotationTable.from_parquet(tmp_path / "other.parquet")
