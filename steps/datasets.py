"""Reads the dataset of a configuration, whatever its source, and says where it is from.

A pipeline reads its dataset twice: when it is started, to know whether anything changed, and in
its first step, maybe on another machine. The second time what the first found out is passed on,
and the two have to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from steps.revisions import describe_workspace, resolve_revision
from vision.config import DatasetConfig
from vision.datasets.load import dataset_digest, load_annotations
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError

_PASSED_ON = ("commit", "workspace_commit", "workspace_state", "dir_hash")
_SHOWN_DIGITS = 12


def read_dataset(
    dataset: DatasetConfig, origin: Mapping[str, str] | None = None
) -> AnnotationTable:
    """Reads a dataset into an annotation table; a revision is resolved before anything is read.

    Images in a DVC workspace are read as they lie there, and the table's source says at which
    commit and whether anything was changed since.

    Args:
      dataset: what to read.
      origin: of :func:`origin_of`, where it was read before: the same commit is read, and what was
        verified and compared then is not verified and compared again.

    Raises:
      DatasetError: the data cannot be used.
    """
    if dataset.source == "dvc":
        commit = origin["commit"] if origin else None
        resolved = resolve_revision(dataset, commit, verify=origin is None)
        return load_annotations(resolved.config, resolved.source, images=resolved.folder)
    table = load_annotations(dataset)
    if dataset.source == "digits" or dataset.path is None:
        return table
    if origin is not None:
        described = {key: origin[key] for key in _PASSED_ON if key in origin}
    else:
        listed = Path(dataset.path) if dataset.source == "table" else None
        described = describe_workspace(table.root, listed)
    return replace(table, source={**table.source, **described})


def origin_of(table: AnnotationTable) -> dict[str, str]:
    """Returns what a second reading of the same dataset need not find out again."""
    known = {key: table.source[key] for key in _PASSED_ON if key in table.source}
    return {"root": str(table.root), **known}


def check_unchanged(table: AnnotationTable, digest: str, origin: Mapping[str, str] | None) -> None:
    """Refuses a dataset that is not what it was when the pipeline was started.

    Args:
      table: as it was read now.
      digest: of what was read then.
      origin: where it lay then; it may be mounted elsewhere on the machine that a step runs on.

    Raises:
      DatasetError: its images, labels or splits, or what was left out, are others.
    """
    as_then = table if origin is None else replace(table, root=Path(origin["root"]))
    now = dataset_digest(as_then)
    if now != digest:
        place = table.source.get("path") or table.source.get("kind", "")
        raise DatasetError(
            f"The dataset {place} changed while the pipeline started: its digest was "
            f"{digest[:_SHOWN_DIGITS]} and is {now[:_SHOWN_DIGITS]} now. Run it again once nothing "
            "writes to the data any more."
        )
