"""CSV files record by record, each with its own text, so that some can be dropped exactly."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vision.errors import DatasetError

# What other programs write between columns.
_OTHER_MARKS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Record:
    """One record of a CSV file.

    Attributes:
      fields: its values.
      text: as it stands in the file, with the end of its line; a quoted field may span lines.
      line: the line on which it begins, from 1.
    """

    fields: Sequence[str]
    text: str
    line: int


def read_records(file: Path) -> list[Record]:
    """Reads a comma-separated file with a header; empty lines are passed over.

    Raises:
      DatasetError: it cannot be read, is not UTF-8, has no header, or a record does not have one
        field for each column.
    """
    try:
        # Line ends stay as they are: what is kept of the file is written back unchanged.
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{file} is not UTF-8 (byte {error.start:,}); save it as UTF-8 and try again."
        ) from error
    except OSError as error:
        raise DatasetError(f"{file} cannot be read as a table: {error}") from error
    records = [record for record in _records(text, file) if record.fields]
    if not records:
        raise DatasetError(f"{file} is empty; the first line of a table names its columns.")
    n_columns = len(records[0].fields)
    mark = next((mark for mark in _OTHER_MARKS if mark in records[0].fields[0]), "")
    if n_columns == 1 and mark:
        raise DatasetError(
            f"{file} has {_OTHER_MARKS[mark]} between its columns, and a table has commas; save it "
            "with commas, and put fields with commas into double quotes."
        )
    for record in records:
        if len(record.fields) != n_columns:
            raise DatasetError(
                f"{file}, line {record.line:,}: {len(record.fields)} fields, but the header has "
                f"{n_columns}; put fields with commas into double quotes."
            )
    return records


def _records(text: str, file: Path) -> Iterator[Record]:
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, strict=True)
    begin = 0
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise DatasetError(f"{file}, line {begin + 1:,}: no valid CSV: {error}.") from error
        if fields is None:
            return
        yield Record(fields, "".join(lines[begin : reader.line_num]), begin + 1)
        begin = reader.line_num
