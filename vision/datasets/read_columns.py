"""Reads a CSV or parquet file into columns of text, whatever the columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from vision.datasets.csv_records import read_records
from vision.datasets.table import METADATA_KEY
from vision.errors import DatasetError

Columns = Mapping[str, Sequence[str]]


def read_csv(file: Path) -> Columns:
    """Returns column name to values.

    Raises:
      DatasetError: it cannot be read, or two columns have one name.
    """
    header, *records = read_records(file)
    names = [name.strip() for name in header.fields]
    _refuse_repeated(names, file)
    return {name: [record.fields[place] for record in records] for place, name in enumerate(names)}


def read_parquet(file: Path) -> tuple[Columns, bytes | None]:
    """Returns column name to values as text, and what this project wrote beside them, if it did.

    Numbers, truth values, dates and text are read; columns of bytes and of lists are not, since
    they may hold whole images.

    Raises:
      DatasetError: it cannot be read, or two columns have one name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
        _refuse_repeated([name.strip() for name in schema.names], file)
        names = [field.name for field in schema if _is_plain(field.type)]
        table = pq.read_table(file, columns=names, partitioning=None)
        columns = {
            name.strip(): [_text(value) for value in table[name].to_pylist()] for name in names
        }
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        # The last two: text that is no UTF-8, and dates beyond the year 9999.
        raise DatasetError(f"{file} cannot be read as a table: {error}") from error
    return columns, (schema.metadata or {}).get(METADATA_KEY)


def _refuse_repeated(names: Sequence[str], file: Path) -> None:
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DatasetError(f"{file} has the column {repeated[0]} more than once; rename one.")


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    return not (types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def _text(value: Any) -> str:
    """Returns a value as a person would write it; a missing one (None or NaN) is empty."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        # pandas makes 3.0 of a whole number as soon as one other row has none.
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
