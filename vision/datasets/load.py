"""Reads a dataset, whatever its source, into one annotation table."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from vision.config.dataset import DatasetConfig
from vision.datasets.digits import digits_folder
from vision.datasets.labelled import Labelled, Listing
from vision.datasets.problems import Problems
from vision.datasets.read import read_facts
from vision.datasets.read_table import scan_table
from vision.datasets.scan import scan_folder
from vision.datasets.split import assign_splits
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError

_FEWEST_CLASSES = 2


def load_annotations(
    config: DatasetConfig, source: Mapping[str, str] | None = None, images: Path | None = None
) -> AnnotationTable:
    """Reads the dataset of a configuration; every file is decoded once to find damaged ones.

    Splits that the data brings are kept. Those that it lacks are taken out of its training
    images by content hash and group, see :func:`vision.datasets.split.assign_splits`; a table that
    an import wrote lacks none.

    Args:
      config: ``digits``, ``folder`` or ``table``; a DVC revision is resolved to a folder first.
      source: added to the table's own source, for example the revision.
      images: the folder that the paths of a table are relative to, and that no image may lie
        outside of; None for what the file records, or else the file's own folder.

    Raises:
      DatasetError: the path cannot be read, or leaves no image, or fewer than two classes.
    """
    problems = Problems()
    listing = _find(config, problems, images)
    rows = _read(listing, problems)
    if config.source != "table":
        _note_emptied_classes(listing.images, rows, problems)
    if config.group_by:
        _fill_in_groups(rows, config.group_by)
    if not listing.is_complete:
        _fill_in_splits(rows, config, listing.task == "multilabel")
    about = {"kind": config.source, "path": config.path or "", **(source or {})}
    found = problems.findings()
    table = AnnotationTable.from_rows(listing.root, rows, found, about, listing.task)
    _check_enough(table, config)
    return table


def dataset_digest(table: AnnotationTable) -> str:
    """Returns a SHA-256 that changes when, and only when, what was read did.

    It covers the table, what was left out and where the files are.
    """
    problems = [finding.model_dump() for finding in table.problems]
    parts = (table.digest, str(table.root), dict(table.source), problems)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _find(config: DatasetConfig, problems: Problems, images: Path | None) -> Listing:
    if config.source == "dvc":
        raise DatasetError(
            f"The DVC revision {config.revision} of {config.path} is not fetched yet; resolve it "
            "to a folder first."
        )
    if config.source == "digits":
        root = digits_folder()
        return Listing(root, scan_folder(root, problems))
    path = Path(config.path or "").expanduser().resolve()
    if config.source == "table":
        return scan_table(path, problems, images)
    return Listing(path, scan_folder(path, problems))


def _read(listing: Listing, problems: Problems) -> list[dict[str, Any]]:
    """Returns a row for each file that decodes; its split may still be None."""
    rows: list[dict[str, Any]] = []
    paths = [found.path for found in listing.images]
    facts_of = read_facts(listing.root, paths, "reading images")
    for found, (path, facts) in zip(listing.images, facts_of, strict=True):
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
                    "group": found.group,
                    "date": found.date,
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


def _fill_in_groups(rows: Sequence[dict[str, Any]], pattern: str) -> None:
    """Reads the groups that the data does not name out of the paths."""
    search = re.compile(pattern).search
    for row in rows:
        if not row["group"] and (match := search(row["path"])):
            row["group"] = (match.group(1) or "").strip()


def _fill_in_splits(
    rows: Sequence[dict[str, Any]], config: DatasetConfig, is_multilabel: bool
) -> None:
    """Fills in the splits that the data lacks, out of its training images."""
    shares = {"validation": config.split.validation, "test": config.split.test}
    given = {row["split"] for row in rows}
    lacking = {split: share for split, share in shares.items() if split not in given}
    open_rows = [row for row in rows if row["split"] in (None, "train")]
    contents, labels, groups = (
        [row[column] for row in open_rows] for column in ("sha256", "label", "group")
    )
    splits = assign_splits(contents, labels, lacking, config.seed, groups, is_multilabel)
    for row, split in zip(open_rows, splits, strict=True):
        row["split"] = split


def _check_enough(table: AnnotationTable, config: DatasetConfig) -> None:
    if len(table.classes) >= _FEWEST_CLASSES:
        return
    left_out = "; ".join(finding.message for finding in table.problems)
    rule = (
        "a table needs rows of at least two labels"
        if config.source == "table"
        else "put the images of each of at least two classes into a folder of its own"
    )
    nothing = "no class" if len(table) else "no usable image"
    found = f"only the class {table.classes[0]!r}" if table.classes else nothing
    raise DatasetError(
        f"{table.root} has {found}; {rule}." + (f" Found: {left_out}." if left_out else "")
    )
