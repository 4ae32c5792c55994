"""Refuses a dataset that a job cannot use, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable

from vision.config.dataset import SplitConfig
from vision.datasets.split import fewest_images
from vision.datasets.table import SEPARATOR, AnnotationTable
from vision.errors import DatasetError


def check_splits(table: AnnotationTable, needed: Iterable[str], shares: SplitConfig) -> None:
    """Checks that each needed split has an image, and each image of theirs one class.

    Args:
      table: the dataset.
      needed: names of splits, see :attr:`vision.config.JobConfig.needed_splits`.
      shares: what was to be held out where the data brings no splits of its own.

    Raises:
      DatasetError: a split is empty; says which, why, and what to change. Or images have several
        classes, or none: such tables can be looked at, not trained on.
    """
    needed = tuple(needed)
    if needed and table.task == "multilabel":
        raise DatasetError(_several_classes(table))
    for split in needed:
        if table.rows(split).empty:
            raise DatasetError(
                f"split {split} of {table.root} has no image, and the job needs some; "
                f"{_next_move(table, split, shares)}"
            )


def _next_move(table: AnnotationTable, split: str, shares: SplitConfig) -> str:
    held_out = {"validation": shares.validation, "test": shares.test}
    if split not in held_out:
        return f"add images to {split}: no other split gives any of its own to it"
    key = f"dataset.split.{split}"
    if held_out[split] == 0.0:
        other = ", or choose another evaluation.split" if split == "test" else ""
        return f"{key} is 0: set it above 0, add images to {split}{other}"
    images = table.rows("train")
    of_what = "groups, which are kept whole," if any(images["group"]) else "different images"
    units = images["group"].where(images["group"] != "", images["sha256"])
    largest = max(units.groupby(images["label"]).nunique(), default=0)
    return (
        f"{key} = {held_out[split]:g} holds out one of each class that has at least "
        f"{fewest_images(held_out):,} {of_what} and the largest class in train has {largest:,}: "
        "add images"
    )


def _several_classes(table: AnnotationTable) -> str:
    labels = table.frame["label"]
    found = table.frame[(labels == "") | labels.str.contains(SEPARATOR, regex=False)]
    example = ""
    if not found.empty:
        path, label = found.iloc[0][["path", "label"]]
        example = f" ({len(found):,} images, for example {path}: {label or 'none'})"
    return (
        f"{table.root} has images of several classes or of none{example}, and training and "
        "evaluation take one class per image; leave one class in each row, in a column label. To "
        "look at it as it is, use data check, diff or commit"
    )
