"""What the columns of a table mean: the path, the class or classes, the split and the rest.

* the path: ``path``, or one column called ``file``, ``filename``, ``image`` and the like;
* the class: ``label`` with one name (also ``class`` or ``category``), ``labels`` with names and
  ``|`` between them, or one column per class with 0 and 1 in it (one-hot);
* ``split``, ``group``, ``date`` where there are such columns. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from vision.datasets.label_names import clean_name
from vision.datasets.problems import Problems
from vision.datasets.read_columns import Columns
from vision.datasets.table import SEPARATOR, Task
from vision.datasets.table_rows import TableRows, read_dates, read_splits
from vision.errors import DatasetError

PATH_NAMES = (
    *("path", "file", "filename", "file_name", "filepath", "file_path"),
    *("image", "image_path", "imagepath", "img", "img_path", "image_file", "image_name"),
    *("abs_path", "absolute_path", "abspath", "full_path", "relative_path", "rel_path"),
)
# What others call label; where there is a label, or a column for each class, they are not used.
LABEL_NAMES = ("class", "category")
# Known columns that are no classes; the last of them are what an import writes for people.
_OPTIONAL = ("split", "group", "date")
_FACTS = ("sha256", "width", "height", "mode", "n_bytes")
# Numbers of rows: of two rows they are 0 and 1, which makes them no class.
_ROW_NUMBER = re.compile(r"(unnamed: \d+|index|id|image_?id|row|)", re.IGNORECASE)
_FLAGS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
_FEWEST_FLAGS = 2


def read_rows(columns: Columns, file: Path, problems: Problems) -> TableRows:
    """Returns what the columns say about each image.

    Args:
      columns: column name to values.
      file: where they come from, for messages.
      problems: gets the columns that are not used.

    Raises:
      DatasetError: there is no path or no class, or it cannot be said which column is.
    """
    known = {name.casefold(): name for name in columns}
    path = _path_column(columns, file)
    rest = [name for name in columns if name != path and name.casefold() not in _OPTIONAL]
    label = _label_column(columns, rest, file)
    used: Collection[str] = [label]
    if not label:
        used, labels, task = _one_hot(columns, rest, file)
        raw_names = frozenset(used)
    elif label.casefold() == "labels":
        labels, raw_names = _joined(columns[label], file)
        task = "multilabel"
    else:
        labels, task = _single(columns[label]), "multiclass"
        raw_names = frozenset(filter(str.strip, columns[label]))
    for name in rest:
        if name not in used and name.casefold() not in _FACTS:
            problems.add("ignored_columns", name or "(without a name)")
    empty = [""] * len(labels)
    optional = {key: columns[known[key]] if key in known else empty for key in _OPTIONAL}
    splits = read_splits(optional["split"], file)
    return TableRows(
        paths=columns[path],
        labels=labels,
        splits=splits,
        groups=[value.strip() for value in optional["group"]],
        dates=read_dates(optional["date"], problems),
        task=task,
        raw_names=raw_names,
        is_complete=all(splits) and {*_OPTIONAL, *_FACTS} <= set(columns),
    )


def _path_column(columns: Columns, file: Path) -> str:
    found = [name for name in columns if name.casefold() in PATH_NAMES]
    exact = [name for name in found if name == "path"] or found
    if len(exact) == 1:
        return exact[0]
    if found:
        raise DatasetError(
            f"{file} has the columns {' and '.join(found)}, and each may be the path of the "
            "image; call one of them path."
        )
    raise DatasetError(
        f"{file} has the columns {_listed(columns)}, but none with the path of the image; call it "
        "path."
    )


def _label_column(columns: Columns, rest: Sequence[str], file: Path) -> str:
    """Returns the column that names the class or classes; empty where each class has a column."""
    one = [name for name in rest if name.casefold() in ("label", "labels")]
    if not one:
        n_flags = sum(
            not _ROW_NUMBER.fullmatch(name) and _are_flags(columns[name]) for name in rest
        )
        others = [name for name in rest if name.casefold() in LABEL_NAMES]
        one = others if n_flags < _FEWEST_FLAGS else []
    if len(one) > 1:
        raise DatasetError(
            f"{file} has both {one[0]} and {one[1]}; keep one of the two, called label."
        )
    return one[0] if one else ""


def _single(values: Sequence[str]) -> list[str]:
    clean = {value: clean_name(value) for value in set(values)}
    return [clean[value] for value in values]


def _joined(values: Sequence[str], file: Path) -> tuple[list[str], frozenset[str]]:
    """Returns the cleaned names of each row of a column ``labels``, and all names as written."""
    known: dict[str, str] = {}
    raw_names: set[str] = set()
    for number, value in enumerate(values, start=1):
        if value in known:
            continue
        raw = value.split(SEPARATOR) if value.strip() else []
        names = {clean_name(name) for name in raw}
        if "" in names:
            raise DatasetError(
                f"{file}, row {number:,}: labels {value!r} has an empty name; put one "
                f"{SEPARATOR} between two names, and none before or after."
            )
        raw_names.update(raw)
        known[value] = SEPARATOR.join(sorted(names))
    return [known[value] for value in values], frozenset(raw_names)


def _one_hot(
    columns: Columns, rest: Sequence[str], file: Path
) -> tuple[list[str], list[str], Task]:
    """Returns (class columns, the label of each row, the task) of a column per class."""
    flags = {
        name: found
        for name in rest
        if not _ROW_NUMBER.fullmatch(name) and (found := _flags(name, columns[name], file))
    }
    if len(flags) < _FEWEST_FLAGS:
        raise DatasetError(
            f"{file} has the columns {_listed(columns)}, but no class; a table needs a column "
            "label, a column labels, or a column of 0 and 1 for each class."
        )
    names = _names_of(list(flags), file)
    per_row = [sum(row) for row in zip(*flags.values(), strict=True)]
    is_single = all(n == 1 for n in per_row)
    if not is_single:
        _refuse_stray_flag(flags, per_row, file)
    ordered = sorted(names, key=lambda name: names[name])
    labels = [
        SEPARATOR.join(names[name] for name, flag in zip(ordered, row, strict=True) if flag)
        for row in zip(*(flags[name] for name in ordered), strict=True)
    ]
    return list(flags), labels, "multiclass" if is_single else "multilabel"


def _are_flags(values: Sequence[str]) -> bool:
    known = {value.strip().casefold() for value in set(values)} - {""}
    return bool(known) and known <= set(_FLAGS)


def _flags(name: str, values: Sequence[str], file: Path) -> list[bool]:
    """Returns the values of a column of 0 and 1; nothing for any other column."""
    if not _are_flags(values):
        return []
    known = {value: _FLAGS.get(value.strip().casefold()) for value in set(values)}
    if blank := [value for value in known if not value.strip()]:
        row = next(number for number, value in enumerate(values, start=1) if value in blank)
        raise DatasetError(
            f"{file}, row {row:,}: column {name} is empty there and 0 or 1 elsewhere; fill it in."
        )
    return [bool(known[value]) for value in values]


def _names_of(columns: Sequence[str], file: Path) -> dict[str, str]:
    names = {name: clean_name(name) for name in columns}
    for name in columns:
        if SEPARATOR in name:
            raise DatasetError(
                f"{file} has the class {name!r}; {SEPARATOR} stands between class names, so no "
                "name may contain it: rename the column."
            )
    if len(set(names.values())) < len(names):
        repeated = next(n for n in names.values() if list(names.values()).count(n) > 1)
        raise DatasetError(f"{file} has the column {repeated} more than once; rename one.")
    return names


def _refuse_stray_flag(flags: dict[str, list[bool]], per_row: Sequence[int], file: Path) -> None:
    """Refuses columns that would be one-hot but for one of them: is it a class or a remark?"""
    if len(flags) <= _FEWEST_FLAGS:
        return
    for name, column in flags.items():
        if all(n - flag == 1 for n, flag in zip(per_row, column, strict=True)):
            raise DatasetError(
                f"{file} has one class in each row but for the column {name}, which may be a "
                "remark or a class; remove it, or write the classes into a column labels with "
                f"{SEPARATOR} between them."
            )


def _listed(columns: Columns) -> str:
    return ", ".join(columns) or "(none)"
