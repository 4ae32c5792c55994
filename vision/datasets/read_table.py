"""Reads a CSV or parquet file that lists images: columns ``path``, ``label`` and maybe ``split``.

Paths are relative to the folder of the file; absolute ones are taken where they lie inside it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from vision.datasets.problems import Problems
from vision.datasets.scan import SPLIT_NAMES, Labelled, refusal
from vision.errors import DatasetError

_READERS = {".csv": "CSV", ".parquet": "parquet"}


def scan_table(file: Path, problems: Problems) -> list[Labelled]:
    """Lists the labelled files that a table names, sorted by path.

    Args:
      file: a ``.csv`` or ``.parquet`` file.
      problems: gets the rows that are left out, with paths.

    Raises:
      DatasetError: the file is missing, unreadable, of another kind, or lacks a column.
    """
    frame = _read(file)
    root = file.parent.resolve()
    found: dict[str, Labelled] = {}
    rows = zip(frame["path"], frame["label"], frame["split"], strict=True)
    for number, (path, label, split) in enumerate(rows, start=1):
        relative = _relative(path, root)
        if not path:
            problems.add("outside_root", f"row {number}", "the path is empty")
        elif relative is None:
            problems.add("outside_root", path)
        elif not label:
            problems.add("unlabelled_images", relative)
        elif relative in found:
            problems.add("duplicate_rows", relative, "only its first row counts")
        elif refused := refusal(root / relative, root):
            problems.add(refused[0], relative, refused[1])
        else:
            found[relative] = Labelled(relative, label, split or None)
    return [found[path] for path in sorted(found)]


def _read(file: Path) -> pd.DataFrame:
    """Returns the columns path, label and split as text; empty where there is no value."""
    if file.suffix.lower() not in _READERS:
        raise DatasetError(f"dataset.path {file} must end in .csv or .parquet.")
    if not file.is_file():
        raise DatasetError(f"dataset.path {file} does not exist; give the table of the images.")
    try:
        if file.suffix.lower() == ".csv":
            frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        else:
            frame = pd.read_parquet(file)
    except (ValueError, OSError) as error:
        raise DatasetError(f"{file} cannot be read as a table: {error}") from error
    missing = [name for name in ("path", "label") if name not in frame.columns]
    if missing:
        raise DatasetError(
            f"{file} has the columns {', '.join(map(str, frame.columns))}, but no "
            f"{' and no '.join(missing)}; a table needs path and label, and may have split."
        )
    if "split" not in frame.columns:
        frame = frame.assign(split="")
    frame = frame[["path", "label", "split"]].fillna("").astype(str)
    return frame.assign(split=_splits(frame["split"], file))


def _splits(column: pd.Series, file: Path) -> pd.Series:
    names = column.str.strip().str.casefold()
    unknown = sorted(set(names) - set(SPLIT_NAMES) - {""})
    if unknown:
        raise DatasetError(
            f"{file} has the splits {', '.join(unknown[:5])}; use train, validation and test."
        )
    if (names == "").any() and (names != "").any():
        raise DatasetError(
            f"{file} has {int((names == '').sum()):,} rows without a split; fill in every row, "
            "or drop the column to have splits made."
        )
    return names.map({**SPLIT_NAMES, "": ""})


def _relative(path: str, root: Path) -> str | None:
    """Returns the path relative to ``root`` without ``..``, or None where it is not below it."""
    # Not resolved: a link inside the folder is judged by where it leads when it is opened.
    inside = Path(os.path.relpath(root / path, root))
    return None if inside.parts[:1] in ((), (os.pardir,)) else inside.as_posix()
