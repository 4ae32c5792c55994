"""Compares two revisions of a dataset."""

from __future__ import annotations

from steps.datasets import read_dataset
from vision.config import DatasetConfig
from vision.datasets.diff import TableDiff, compare_tables
from vision.errors import DatasetError


def diff_revisions(dataset: DatasetConfig, before: str, after: str) -> TableDiff:
    """Reads two revisions and tells what is different.

    Args:
      dataset: a section with source ``dvc``; its revision is not used.
      before: tag, branch or commit.
      after: tag, branch or commit.

    Raises:
      DatasetError: the dataset has no revisions, or one of them cannot be read.
    """
    if dataset.source != "dvc":
        raise DatasetError(
            f"dataset.source is {dataset.source}, which has no revisions to compare; set source "
            "dvc with the repository in path, or make a revision first: run.py data commit"
        )
    first, second = (
        read_dataset(dataset.model_copy(update={"revision": revision}))
        for revision in (before, after)
    )
    return compare_tables(first, second)
