"""Refuses a dataset that lacks a split which a job needs, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable

from vision.config.dataset import SplitConfig
from vision.datasets.split import fewest_images
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError


def check_splits(table: AnnotationTable, needed: Iterable[str], shares: SplitConfig) -> None:
    """Checks that each needed split has an image.

    Args:
      table: the dataset.
      needed: names of splits, see :attr:`vision.config.JobConfig.needed_splits`.
      shares: what was to be held out where the data brings no splits of its own.

    Raises:
      DatasetError: a split is empty; says which, why, and what to change.
    """
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
    if table.task == "multilabel" or any(table.frame["group"]):
        groups = table.rows("train")["group"]
        n_groups = groups[groups != ""].nunique()
        whole = f" in {n_groups:,} groups that are kept whole" if n_groups else ""
        return (
            f"{key} = {held_out[split]:g} of the {len(groups):,} images in train{whole} is too "
            f"little for one of them: add images, or raise {key}"
        )
    n_needed = fewest_images(split, held_out)
    in_train = table.rows("train").groupby("label")["sha256"].nunique()
    return (
        f"{key} = {held_out[split]:g} takes an image from each class that has at least "
        f"{n_needed:,} different ones, and the largest in train has {max(in_train, default=0):,}: "
        f"add images, or raise {key}"
    )
