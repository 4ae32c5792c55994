"""Reads a file that lists images: CSV, parquet or COCO JSON.

Paths are relative to the folder of the file, or to the folder that is given; those of another
machine are found by :mod:`vision.datasets.locate`. What the columns mean is told in
:mod:`vision.datasets.table_columns`.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

from vision.datasets.bounds import bounds_of
from vision.datasets.label_names import note_clashes
from vision.datasets.labelled import Labelled, Listing
from vision.datasets.locate import locate
from vision.datasets.problems import Problems
from vision.datasets.read_coco import read_coco
from vision.datasets.read_columns import Columns, read_csv, read_parquet
from vision.datasets.scan import refusal
from vision.datasets.table_columns import read_rows
from vision.datasets.table_rows import TableRows
from vision.errors import DatasetError

SUFFIXES = (".csv", ".parquet", ".json")


def scan_table(file: Path, problems: Problems, images: Path | None = None) -> Listing:
    """Lists the labelled files that a table names.

    Args:
      file: a ``.csv``, ``.parquet`` or ``.json`` file.
      problems: gets the rows that are left out, with paths.
      images: the folder that paths are relative to, and that no file may lie outside of; None
        for the one that the file records, or else the file's own folder.

    Raises:
      DatasetError: the file is missing, unreadable, of another kind, or lacks what is needed.
    """
    rows = read_table_rows(file, problems)
    root = root_of(rows, file, images)
    note_clashes(rows.raw_names, problems)
    found: dict[str, Labelled] = {}
    needs_label = rows.task == "multiclass"
    places = places_of(rows, file, root)
    bounds = bounds_of(root)
    for number, (path, relative) in enumerate(zip(rows.paths, places, strict=True)):
        label = rows.labels[number]
        if not path:
            problems.add("outside_root", f"row {number + 1}", "the path is empty")
        elif relative is None:
            problems.add("outside_root", path)
        elif needs_label and not label:
            problems.add("unlabelled_images", relative)
        elif relative in found:
            problems.add("duplicate_rows", relative, "only its first row counts")
        elif refused := refusal(root / relative, bounds):
            problems.add(refused[0], relative, refused[1] or _hint(root, relative))
        else:
            split, group, date = rows.splits[number], rows.groups[number], rows.dates[number]
            found[relative] = Labelled(relative, label, split or None, group, date)
    _note_name_clashes(found, problems)
    return Listing(root, [found[path] for path in sorted(found)], rows.task, rows.is_complete)


def read_table_rows(file: Path, problems: Problems) -> TableRows:
    """Returns the rows of a table file.

    Raises:
      DatasetError: as :func:`scan_table`.
    """
    suffix = file.suffix.lower()
    if not file.exists():
        raise DatasetError(
            f"dataset.path {file} does not exist; give the table of the images, or a folder with "
            "a folder for each class."
        )
    if not file.is_file():
        raise DatasetError(
            f"dataset.path {file} is no file; give the table of the images, or use dataset.source "
            "folder."
        )
    if suffix not in SUFFIXES:
        raise DatasetError(
            f"dataset.path {file} must end in {', '.join(SUFFIXES)}; save the table as one of them."
        )
    if suffix == ".json":
        return read_coco(file, problems)
    if suffix == ".csv":
        return read_rows(read_csv(file), file, problems)
    columns, ours = read_parquet(file)
    if ours is None:
        return read_rows(columns, file, problems)
    return _as_recorded(columns, ours, file, problems)


def _as_recorded(columns: Columns, ours: bytes, file: Path, problems: Problems) -> TableRows:
    """Returns the rows of a table that an import wrote: task and root are known, splits final."""
    try:
        about = dict(json.loads(ours))
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{file} is damaged: {error}; import its dataset again.") from error
    if about.get("task") == "multilabel":
        columns = {("labels" if name == "label" else name): columns[name] for name in columns}
    rows = read_rows(columns, file, problems)
    return replace(rows, root=str(about.get("root", ".")), is_complete=all(rows.splits))


def places_of(rows: TableRows, file: Path, root: Path) -> list[str | None]:
    """Returns where each image lies, relative to ``root``, or None where it is not below it."""
    beside = file.resolve().parent
    folders = list(rows.folders)
    if beside != root and beside.is_relative_to(root):
        # Paths may be meant from the folder of the file although a larger one was given.
        start = beside.relative_to(root).as_posix()
        folders = [start, *(f"{start}/{folder}" for folder in folders), *folders]
    return locate(rows.paths, root, folders)


def root_of(rows: TableRows, file: Path, images: Path | None = None) -> Path:
    """Returns the folder that the paths of ``rows`` are relative to, resolved.

    Raises:
      DatasetError: ``images`` is given and is no folder.
    """
    beside = file.resolve().parent
    recorded = (beside / rows.root).resolve() if rows.root is not None else None
    if images is not None and not images.is_dir():
        raise DatasetError(f"{images} is no folder; give the one that holds the images.")
    bound = images.resolve() if images is not None else None
    if recorded is None or not recorded.is_dir():
        # A recorded root of another machine: the images were moved here with their table.
        return bound or beside
    return bound if bound is not None and not recorded.is_relative_to(bound) else recorded


def _note_name_clashes(found: dict[str, Labelled], problems: Problems) -> None:
    seen: dict[str, str] = {}
    for path in sorted(found):
        same = seen.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if same != path:
            problems.add("name_clashes", path, f"beside {same}")


def _hint(root: Path, missing: str) -> str:
    """Returns what may be meant by a path that leads to no file."""
    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, missing)
        if other != missing and (root / other).exists():
            return f"on disk its name is in Unicode's other form, {form}"
    return ""
