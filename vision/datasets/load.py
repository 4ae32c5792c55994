"""Reads a dataset, whatever its source, into one annotation table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vision.config.dataset import DatasetConfig
from vision.datasets.digits import digits_folder
from vision.datasets.problems import Problems
from vision.datasets.read import read_facts
from vision.datasets.read_table import scan_table
from vision.datasets.scan import Labelled, scan_folder
from vision.datasets.split import assign_splits
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError

_FEWEST_CLASSES = 2


def load_annotations(
    config: DatasetConfig, source: Mapping[str, str] | None = None
) -> AnnotationTable:
    """Reads the dataset of a configuration; every file is decoded once to find damaged ones.

    Splits that the data brings are kept. Those that it lacks are taken out of its training
    images by content hash, see :func:`vision.datasets.split.assign_splits`.

    Args:
      config: ``digits``, ``folder`` or ``table``; a DVC revision is resolved to a folder first.
      source: added to the table's own source, for example the revision.

    Raises:
      DatasetError: the path cannot be read, or leaves no image, or fewer than two classes.
    """
    problems = Problems()
    root, labelled = _find(config, problems)
    rows = _read(root, labelled, problems)
    if config.source != "table":
        _note_emptied_classes(labelled, rows, problems)
    _check_enough(rows, problems, root, config)
    shares = {"validation": config.split.validation, "test": config.split.test}
    return AnnotationTable.from_rows(
        root,
        _with_splits(rows, shares, config.seed),
        problems.findings(),
        {"kind": config.source, "path": config.path or "", **(source or {})},
    )


def dataset_digest(config: DatasetConfig) -> str:
    """Returns a SHA-256 that changes when, and only when, :func:`load_annotations` would.

    It covers the table, what was left out and where the files are. Unchanged files are not read
    again, so a second call costs one look at each file's length and time of change.

    Raises:
      DatasetError: as :func:`load_annotations`.
    """
    table = load_annotations(config)
    problems = [finding.model_dump() for finding in table.problems]
    parts = (table.digest, str(table.root), dict(table.source), problems)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _find(config: DatasetConfig, problems: Problems) -> tuple[Path, list[Labelled]]:
    if config.source == "dvc":
        raise DatasetError(
            f"The DVC revision {config.revision} of {config.path} is not fetched yet; resolve it "
            "to a folder first."
        )
    if config.source == "digits":
        root = digits_folder()
        return root, scan_folder(root, problems)
    path = Path(config.path or "").expanduser().resolve()
    if config.source == "table":
        return path.parent, scan_table(path, problems)
    return path, scan_folder(path, problems)


def _read(root: Path, labelled: Sequence[Labelled], problems: Problems) -> list[dict[str, Any]]:
    """Returns a row for each file that decodes; its split may still be None."""
    rows: list[dict[str, Any]] = []
    paths = [found.path for found in labelled]
    facts_of = read_facts(root, paths, "reading images")
    for found, (path, facts) in zip(labelled, facts_of, strict=True):
        if facts.reason == "unreadable":
            problems.add("unreadable_files", path, facts.message)
        elif facts.reason:
            problems.add_image_error(facts.reason, path, facts.message)
        else:
            rows.append(
                {
                    "path": path,
                    "sha256": facts.sha256,
                    "width": facts.width,
                    "height": facts.height,
                    "mode": facts.mode,
                    "n_bytes": facts.n_bytes,
                    "label": found.label,
                    "split": found.split,
                }
            )
    return rows


def _note_emptied_classes(
    labelled: Sequence[Labelled], rows: Sequence[Mapping[str, Any]], problems: Problems
) -> None:
    """Notes class folders whose every file was left out."""
    usable = {PurePosixPath(row["path"]).parent for row in rows}
    for folder in {PurePosixPath(found.path).parent for found in labelled} - usable:
        problems.add("empty_classes", str(folder), "no file of it is usable")


def _check_enough(
    rows: Sequence[Mapping[str, Any]], problems: Problems, root: Path, config: DatasetConfig
) -> None:
    labels = sorted({row["label"] for row in rows})
    if len(labels) >= _FEWEST_CLASSES:
        return
    left_out = "; ".join(finding.message for finding in problems.findings())
    rule = (
        "a table needs rows of at least two labels"
        if config.source == "table"
        else "put the images of each of at least two classes into a folder of its own"
    )
    found = f"only the class {labels[0]!r}" if labels else "no usable image"
    raise DatasetError(
        f"{root} has {found}; {rule}." + (f" Found: {left_out}." if left_out else "")
    )


def _with_splits(
    rows: list[dict[str, Any]], shares: Mapping[str, float], seed: int
) -> list[dict[str, Any]]:
    """Fills in the splits that the data lacks, out of its training images."""
    given = {row["split"] for row in rows}
    lacking = {split: share for split, share in shares.items() if split not in given}
    open_rows = [row for row in rows if row["split"] in (None, "train")]
    contents = [row["sha256"] for row in open_rows]
    labels = [row["label"] for row in open_rows]
    for row, split in zip(open_rows, assign_splits(contents, labels, lacking, seed), strict=True):
        row["split"] = split
    return rows
