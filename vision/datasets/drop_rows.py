"""Writes a table file again without some of its rows; the rest of it stays as it was."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from vision.datasets.csv_records import read_records
from vision.datasets.problems import Problems
from vision.datasets.read_coco import load_coco
from vision.datasets.read_table import places_of, read_table_rows

_UTF8_MARK = b"\xef\xbb\xbf"


def without_rows(file: Path, paths: Collection[str], root: Path) -> bytes:
    """Returns what a table file holds without the rows of some images.

    A CSV keeps the text of its other rows byte for byte, a parquet file its columns and metadata,
    a COCO file its other parts (the annotations of those images go too).

    Args:
      file: a ``.csv``, ``.parquet`` or ``.json`` table.
      paths: relative to ``root``.
      root: the folder that the table's paths were found under.

    Raises:
      DatasetError: the file cannot be read.
    """
    rows = read_table_rows(file, Problems())
    places = places_of(rows, file, root)
    is_kept = [place not in paths for place in places]
    drop = {".csv": _of_csv, ".parquet": _of_parquet, ".json": _of_coco}[file.suffix.lower()]
    return drop(file, is_kept)


def replace_file(file: Path, content: bytes) -> None:
    """Replaces a file whole, keeping its permissions; a reader sees the old one or the new one."""
    with tempfile.TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as drafts:
        draft = Path(drafts) / file.name
        draft.write_bytes(content)
        shutil.copymode(file, draft)
        draft.replace(file)


def _of_csv(file: Path, is_kept: list[bool]) -> bytes:
    header, *records = read_records(file)
    kept = [record.text for record, keep in zip(records, is_kept, strict=True) if keep]
    mark = _UTF8_MARK if file.read_bytes().startswith(_UTF8_MARK) else b""
    return mark + "".join([header.text, *kept]).encode()


def _of_parquet(file: Path, is_kept: list[bool]) -> bytes:
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(pq.read_table(file, partitioning=None).filter(is_kept), content)
    return content.getvalue()


def _of_coco(file: Path, is_kept: list[bool]) -> bytes:
    content = load_coco(file)
    images = content["images"]
    dropped = {image["id"] for image, keep in zip(images, is_kept, strict=True) if not keep}
    content["images"] = [image for image in images if image["id"] not in dropped]
    content["annotations"] = [
        entry for entry in content["annotations"] if entry["image_id"] not in dropped
    ]
    # Written over several lines where it was; people read and compare such files.
    indent = 2 if b"\n" in file.read_bytes().strip() else None
    return json.dumps(content, indent=indent, ensure_ascii=False).encode()
