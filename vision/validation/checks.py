"""Our own checks: pure functions from tables to findings.

Each finding's ``value`` is the number that conditions are written against, for example
``duplicates_across_splits: "> 0"``. A check that finds nothing returns nothing, and a condition
on it is judged with the value 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from vision.datasets.table import SEPARATOR, SPLITS, AnnotationTable, split_label
from vision.validation.report import Finding, Severity
from vision.wording import count

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
        f"{len(shared):,} images are {_files(n_groups)} in more than one split, "
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
        f"{_images(len(extra), 'repeats', 'repeat')} another of their split byte for byte, "
        f"for example {_example_group(members)}"
    )
    name = "duplicates_within_splits"
    finding = _finding(name, "warning", message, members["path"], len(extra))
    return [finding.model_copy(update={"notes": _notes_on_copies(members, key), "surplus": extra})]


def conflicting_labels(table: AnnotationTable) -> list[Finding]:
    """Finds files of the same bytes under different labels; value: files in such groups.

    Where an image has several classes, its label is the set of them.
    """
    members = _members(table.frame, "sha256", "label")
    if members.empty:
        return []
    first = members[members["sha256"] == members["sha256"].iloc[0]]
    example = " and ".join(
        f"{path} ({_shown(label)})"
        for path, label in zip(first["path"], first["label"], strict=True)
    )
    message = f"{len(members):,} images have the bytes of another class's image, such as {example}"
    labels = members.groupby("sha256")["label"].agg(
        lambda found: ", ".join(map(_shown, sorted(set(found))))
    )
    notes = tuple(
        f"labelled {_shown(label)}; its bytes are under {labels[content]}"
        for label, content in zip(members["label"], members["sha256"], strict=True)
    )
    finding = _finding("conflicting_labels", "error", message, members["path"])
    return [finding.model_copy(update={"notes": notes})]


def missing_class_in_split(table: AnnotationTable) -> list[Finding]:
    """Finds classes without an image in a split that has images; value: such pairs."""
    counts = {split: images_of_classes(table, split) for split in SPLITS}
    missing = [
        (name, split)
        for split, images in counts.items()
        if not table.rows(split).empty
        for name, n_images in images.items()
        if n_images == 0
    ]
    if not missing:
        return []
    verb = "class has" if len(missing) == 1 else "classes have"
    named = ", ".join(f"{name} in {split}" for name, split in missing[:10])
    message = f"{len(missing):,} {verb} no image in a split: {named}"
    return [
        Finding(
            check="missing_class_in_split",
            severity="error" if any(split == "train" for _, split in missing) else "warning",
            message=message,
            value=float(len(missing)),
        )
    ]


def class_imbalance(table: AnnotationTable) -> list[Finding]:
    """Compares the largest class of the training split with the smallest; value: their ratio.

    Always a finding, so that conditions can be stricter; a warning from a ratio of 10 on. Classes
    without a training image are told by :func:`missing_class_in_split`.
    """
    counts = {name: n for name, n in images_of_classes(table, "train").items() if n}
    if not counts:
        return []
    largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    ratio = counts[largest] / counts[smallest]
    message = (
        f"The largest training class {largest} has {count(counts[largest], 'image')}, "
        f"{ratio:.3g} times the {counts[smallest]:,} of the smallest, {smallest}"
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
    are = _images(len(flat), "is", "are")
    message = f"{are} of one colour, for example {flat['path'].iloc[0]}"
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
    of = count(shared["group"].nunique(), "group")
    message = (
        f"{len(shared):,} images of {of} are in more than one split, for example group {first}; "
        "scores on held-out splits are too good"
    )
    notes = tuple(
        f"group {group}, {split}"
        for group, split in zip(shared["group"], shared["split"], strict=True)
    )
    finding = _finding("groups_across_splits", "error", message, shared["path"])
    return [finding.model_copy(update={"notes": notes, "surplus": _not_held_out(shared, "group")})]


def images_of_classes(table: AnnotationTable, split: str) -> dict[str, int]:
    """Returns class name to the number of images in a split that show it, alone or with others."""
    counts = dict.fromkeys(table.classes, 0)
    for label, n_images in table.rows(split)["label"].value_counts().items():
        names = split_label(str(label)) if table.task == "multilabel" else (str(label),)
        for name in names:
            counts[name] += int(n_images)
    return counts


def _shown(label: str) -> str:
    """Returns a label for people; an image of no class has none."""
    return label.replace(SEPARATOR, " and ") or "none"


def _finding(
    check: str, severity: Severity, message: str, paths: Iterable[str], value: int | None = None
) -> Finding:
    images = tuple(sorted(paths))
    counted = float(len(images) if value is None else value)
    return Finding(check=check, severity=severity, message=message, images=images, value=counted)


def _images(n: int, one: str, many: str) -> str:
    return f"{count(n, 'image')} {one if n == 1 else many}"


def _files(n: int) -> str:
    return f"{count(n, 'file')} that {'occurs' if n == 1 else 'occur'}"


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
