"""What a file says about each image, before its paths are looked for on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from vision.datasets.labelled import SPLIT_NAMES
from vision.datasets.problems import Problems
from vision.datasets.table import Task
from vision.errors import DatasetError
from vision.wording import count

_MOST_NAMES = 5


@dataclass(frozen=True)
class TableRows:
    """The rows of a file, one value per row in each sequence.

    Attributes:
      paths: as the file has them.
      labels: class names, cleaned; in a multi-label file sorted, with ``|`` between them. Empty
        where a row has none.
      splits: ``train``, ``validation``, ``test``, or empty in every row.
      groups: what images of one source have in common, or empty.
      dates: ISO 8601, or empty.
      task: whether a row has exactly one class or any number of them.
      raw_names: every class name as the file writes it.
      root: the folder that paths are relative to, as recorded in the file; relative to the
        file's own, or absolute. None where the file does not say.
      folders: folders that relative paths may be meant to start from.
      is_complete: whether an import wrote the file, so that its splits are final.
    """

    paths: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str]
    groups: Sequence[str]
    dates: Sequence[str]
    task: Task
    raw_names: frozenset[str] = field(default_factory=frozenset)
    root: str | None = None
    folders: Sequence[str] = ()
    is_complete: bool = False


def read_splits(values: Sequence[str], file: Path) -> list[str]:
    """Returns the split of each row under the project's names.

    Raises:
      DatasetError: there are others, or only some rows have one.
    """
    names = [value.strip().casefold() for value in values]
    unknown = sorted(set(names) - set(SPLIT_NAMES) - {""})
    if unknown:
        raise DatasetError(
            f"{file} has the splits {', '.join(unknown[:_MOST_NAMES])}; use train, validation and "
            "test."
        )
    n_empty = names.count("")
    if 0 < n_empty < len(names):
        raise DatasetError(
            f"{file} has {count(n_empty, 'row')} without a split; fill in every row, or drop the "
            "column to have splits made."
        )
    return [SPLIT_NAMES.get(name, "") for name in names]


def read_dates(values: Sequence[str], problems: Problems) -> list[str]:
    """Returns each date in ISO 8601; what is none is left empty and reported."""
    known = {value: _iso(value.strip()) for value in set(values)}
    wrong = sorted(value for value, iso in known.items() if value.strip() and not iso)
    if wrong:
        n_wrong = sum(1 for value in values if value.strip() and not known[value])
        which = f"{count(n_wrong, 'row')}, which {'holds' if n_wrong == 1 else 'hold'}"
        why = f"in {which} no ISO 8601 date, for example {wrong[0]!r}"
        problems.add("ignored_columns", "date", why)
    return [known[value] for value in values]


def _iso(text: str) -> str:
    # Already in the form that is kept: a table that is read and written again stays the same.
    iso = re.sub(r"^(\d{4}-\d\d-\d\d) ", r"\1T", text)
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return ""
    return iso
