"""CSV records: their values, their exact text, and files that are none."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.datasets.csv_records import read_records
from vision.errors import DatasetError


def test_records_keep_their_text(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(b'\xef\xbb\xbfpath,note\r\na.png,"two\r\nlines, ""quoted"""\n\nb.png,\n')
    header, first, second = read_records(file)
    assert header.fields == ["path", "note"]
    assert (first.fields, first.line) == (["a.png", 'two\r\nlines, "quoted"'], 2)
    assert first.text == 'a.png,"two\r\nlines, ""quoted"""\n'
    assert (second.fields, second.line) == (["b.png", ""], 5)


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=60)
def test_what_a_writer_writes_is_read(rows: list[list[str]]) -> None:
    import tempfile

    written = io.StringIO()
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.csv")
        file.write_bytes(written.getvalue().encode())
        records = read_records(file)
    assert [record.fields for record in records] == rows
    assert "".join(record.text for record in records) == written.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; the first line of a table names its columns."),
        (b"path,label\na.png\n", "line 2: 1 fields, but the header has 2; put fields with commas"),
        (b"path,label\na,b\n\na,b,c\n", "line 4: 3 fields, but the header has 2"),
        (b"path,label\na,caf\xe9\n", "is not UTF-8 \\(byte 16\\); save it as UTF-8"),
        (b'path,label\na,"b\n', "line 2: no valid CSV: unexpected end of data"),
        (b"path,label\na," + b"b" * 200_000, "line 2: no valid CSV: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_records(file)


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_mark_between_columns_is_named(tmp_path: Path, mark: str, name: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"path{mark}label\na, b.png{mark}cat\n")
    with pytest.raises(DatasetError) as refused:
        read_records(file)
    assert str(refused.value) == (
        f"{file} has {name} between its columns, and a table has commas; save it with commas, and "
        "put fields with commas into double quotes."
    )
