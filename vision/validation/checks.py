"""Our own checks: pure functions from tables to findings.

Each finding's ``value`` is the number that conditions are written against, for example
``duplicates_across_splits: "> 0"``. A check that finds nothing returns nothing, and a condition
on it is judged with the value 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from vision.datasets.table import SPLITS, AnnotationTable
from vision.validation.report import Finding, Severity

_IMBALANCE = 10.0


def duplicates_across_splits(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes in more than one split; value: files in such groups.

    Left out would be all copies but those in the split that is held out longest: test before
    validation before train.
    """
    shared = _members(table.frame, "sha256", "split")
    if shared.empty:
        return []
    n_groups = shared["sha256"].nunique()
    message = (
        f"{len(shared):,} images are {n_groups:,} files that occur in more than one split, "
        f"for example {_example_group(shared)}; scores on held-out splits are too good"
    )
    finding = _finding("duplicates_across_splits", "error", message, shared["path"])
    notes = _notes_on_copies(shared, ["sha256"])
    return [finding.model_copy(update={"notes": notes, "surplus": _not_held_out(shared, "sha256")})]


def duplicates_within_splits(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes within one split; value: files beyond the first of each."""
    key = ["sha256", "split"]
    members = table.frame[table.frame.duplicated(key, keep=False)]
    if members.empty:
        return []
    extra = tuple(members.loc[members.duplicated(key), "path"])
    message = (
        f"{len(extra):,} images repeat another of their split byte for byte, "
        f"for example {_example_group(members)}"
    )
    name = "duplicates_within_splits"
    finding = _finding(name, "warning", message, members["path"], len(extra))
    return [finding.model_copy(update={"notes": _notes_on_copies(members, key), "surplus": extra})]


def conflicting_labels(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes under different labels; value: files in such groups."""
    members = _members(table.frame, "sha256", "label")
    if members.empty:
        return []
    first = members[members["sha256"] == members["sha256"].iloc[0]]
    example = " and ".join(
        f"{path} ({label})" for path, label in zip(first["path"], first["label"], strict=True)
    )
    message = f"{len(members):,} images have the bytes of another class's image, such as {example}"
    labels = members.groupby("sha256")["label"].agg(lambda found: ", ".join(sorted(set(found))))
    notes = tuple(
        f"labelled {label}; its bytes are under {labels[content]}"
        for label, content in zip(members["label"], members["sha256"], strict=True)
    )
    finding = _finding("conflicting_labels", "error", message, members["path"])
    return [finding.model_copy(update={"notes": notes})]


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


def class_changes(sentences: Sequence[str], is_allowed: bool) -> list[Finding]:
    """Reports classes that are not those of the model in use; value: how many changed.

    Args:
      sentences: one for each class, see :mod:`vision.bundles.class_changes`.
      is_allowed: whether that is meant.
    """
    if not sentences:
        return []
    message = f"The classes are not those of the model in use: {'; '.join(sentences[:10])}"
    if not is_allowed:
        message += ". Where that is meant, set validation.allow_class_changes"
    return [
        Finding(
            check="class_changes",
            severity="warning" if is_allowed else "error",
            message=message,
            value=float(len(sentences)),
        )
    ]


def groups_across_splits(table: AnnotationTable) -> list[Finding]:
    """Finds groups with images in more than one split; value: images in such groups."""
    shared = _members(table.frame[table.frame["group"] != ""], "group", "split")
    if shared.empty:
        return []
    first = shared["group"].iloc[0]
    message = (
        f"{len(shared):,} images of {shared['group'].nunique():,} groups are in more than one "
        f"split, for example group {first}; scores on held-out splits are too good"
    )
    notes = tuple(
        f"group {group}, {split}"
        for group, split in zip(shared["group"], shared["split"], strict=True)
    )
    finding = _finding("groups_across_splits", "error", message, shared["path"])
    return [finding.model_copy(update={"notes": notes, "surplus": _not_held_out(shared, "group")})]


def _finding(
    check: str, severity: Severity, message: str, paths: Iterable[str], value: int | None = None
) -> Finding:
    images = tuple(sorted(paths))
    counted = float(len(images) if value is None else value)
    return Finding(check=check, severity=severity, message=message, images=images, value=counted)


def _example_group(members: pd.DataFrame) -> str:
    first = members[members["sha256"] == members["sha256"].iloc[0]]
    return " = ".join(first["path"].head(3))


def _members(frame: pd.DataFrame, key: str, differing: str) -> pd.DataFrame:
    """Returns the rows whose ``key`` occurs with more than one value of ``differing``."""
    return frame[frame.groupby(key)[differing].transform("nunique") > 1]


def _not_held_out(members: pd.DataFrame, key: str) -> tuple[str, ...]:
    """Returns the images of each group that are not in the last of its splits."""
    rank = members["split"].map(SPLITS.index)
    last = rank.groupby(members[key]).transform("max")
    return tuple(members.loc[rank < last, "path"])


def _notes_on_copies(members: pd.DataFrame, key: list[str]) -> tuple[str, ...]:
    """Names for each image the first other one with the same bytes."""
    grouped = members.groupby(key, sort=False)["path"]
    first, last = grouped.transform("first"), grouped.transform("last")
    others = first.where(first != members["path"], last)
    return tuple(f"same bytes as {other}" for other in others)
