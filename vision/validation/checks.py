"""Our own checks: pure functions from tables to findings.

Each finding's ``value`` is the number that conditions are written against, for example
``duplicates_across_splits: "> 0"``. A check that finds nothing returns nothing, and a condition
on it is judged with the value 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from vision.datasets.problems import PROBLEMS
from vision.datasets.table import SPLITS, AnnotationTable
from vision.validation.report import Finding, Severity

_SEVERITY_ORDER = ("error", "warning", "info")
_IMBALANCE = 10.0


def find_problems(table: AnnotationTable, properties: pd.DataFrame) -> tuple[Finding, ...]:
    """Runs every check of this module and adds what was found while the files were read.

    Args:
      table: the annotation table.
      properties: one row per row of the table, see :mod:`vision.properties`.

    Returns:
      findings, errors first, each check at most once.
    """
    findings = [
        *table.problems,
        *(finding for check in _TABLE_CHECKS for finding in check(table)),
        *near_constant_images(properties),
    ]
    return tuple(sorted(findings, key=lambda found: _SEVERITY_ORDER.index(found.severity)))


def duplicates_across_splits(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes in more than one split; value: files in such groups."""
    frame = table.frame
    n_splits = frame.groupby("sha256")["split"].transform("nunique")
    shared = frame[n_splits > 1]
    if shared.empty:
        return []
    n_groups = shared["sha256"].nunique()
    message = (
        f"{len(shared):,} images are {n_groups:,} files that occur in more than one split, "
        f"for example {_example_group(shared)}; scores on held-out splits are too good"
    )
    return [_finding("duplicates_across_splits", "error", message, shared["path"])]


def duplicates_within_splits(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes within one split; value: files beyond the first of each."""
    frame = table.frame
    groups = frame.groupby(["sha256", "split"])["path"]
    members = frame[groups.transform("size") > 1]
    if members.empty:
        return []
    extra = len(members) - members.groupby(["sha256", "split"]).ngroups
    message = (
        f"{extra:,} images repeat another of their split byte for byte, "
        f"for example {_example_group(members)}"
    )
    return [_finding("duplicates_within_splits", "warning", message, members["path"], extra)]


def conflicting_labels(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes under different labels; value: files in such groups."""
    frame = table.frame
    members = frame[frame.groupby("sha256")["label"].transform("nunique") > 1]
    if members.empty:
        return []
    first = members[members["sha256"] == members["sha256"].iloc[0]]
    example = " and ".join(
        f"{path} ({label})" for path, label in zip(first["path"], first["label"], strict=True)
    )
    message = f"{len(members):,} images have the bytes of another class's image, such as {example}"
    return [_finding("conflicting_labels", "error", message, members["path"])]


def missing_class_in_split(table: AnnotationTable) -> list[Finding]:
    """Finds classes without an image in a split that has images; value: such pairs."""
    counts = pd.crosstab(table.frame["label"], table.frame["split"])
    missing = [
        f"{label} in {split}"
        for split in SPLITS
        if split in counts.columns
        for label in table.classes
        if counts.at[label, split] == 0
    ]
    if not missing:
        return []
    lacks_training = any(name.endswith(" in train") for name in missing)
    message = f"{len(missing):,} classes have no image in a split: {', '.join(missing[:10])}"
    return [
        Finding(
            check="missing_class_in_split",
            severity="error" if lacks_training else "warning",
            message=message,
            value=float(len(missing)),
        )
    ]


def class_imbalance(table: AnnotationTable) -> list[Finding]:
    """Compares the largest class of the training split with the smallest; value: their ratio.

    Always a finding, so that conditions can be stricter; a warning from a ratio of 10 on.
    """
    counts = table.frame.loc[table.frame["split"] == "train", "label"].value_counts()
    if counts.empty:
        return []
    ratio = float(counts.iloc[0] / counts.iloc[-1])
    message = (
        f"The largest training class {counts.index[0]} has {counts.iloc[0]:,} images, "
        f"{ratio:.3g} times the {counts.iloc[-1]:,} of the smallest, {counts.index[-1]}"
    )
    return [
        Finding(
            check="class_imbalance",
            severity="warning" if ratio >= _IMBALANCE else "info",
            message=message,
            value=ratio,
        )
    ]


def near_constant_images(properties: pd.DataFrame) -> list[Finding]:
    """Finds images of hardly more than one colour; value: how many."""
    flat = properties[properties["is_near_constant"]]
    if flat.empty:
        return []
    message = f"{len(flat):,} images are of one colour, for example {flat['path'].iloc[0]}"
    return [_finding("near_constant_images", "warning", message, flat["path"])]


_TABLE_CHECKS: tuple[Callable[[AnnotationTable], list[Finding]], ...] = (
    duplicates_across_splits,
    duplicates_within_splits,
    conflicting_labels,
    missing_class_in_split,
    class_imbalance,
)
CHECK_NAMES: tuple[str, ...] = (
    *PROBLEMS,
    *(check.__name__ for check in _TABLE_CHECKS),
    near_constant_images.__name__,
)


def _finding(
    check: str, severity: Severity, message: str, paths: Iterable[str], value: int | None = None
) -> Finding:
    images = tuple(sorted(paths))
    counted = float(len(images) if value is None else value)
    return Finding(check=check, severity=severity, message=message, images=images, value=counted)


def _example_group(members: pd.DataFrame) -> str:
    first = members[members["sha256"] == members["sha256"].iloc[0]]
    return " = ".join(first["path"].head(3))
