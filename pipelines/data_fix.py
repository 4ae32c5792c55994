"""Mends a dataset: what is damaged and what is there twice is moved out of it."""

from __future__ import annotations

from steps.datasets import read_dataset
from vision.config import DatasetConfig
from vision.datasets.fix import apply_fix, plan_fix
from vision.errors import DatasetError
from vision.validation import checks


def fix_dataset(dataset: DatasetConfig, *, is_meant: bool) -> str:
    """Plans what to move and, where that is meant, moves it.

    Args:
      dataset: source ``folder`` or ``table``.
      is_meant: whether to do it; otherwise nothing changes.

    Returns:
      what is, or would be, done.

    Raises:
      DatasetError: the dataset cannot be read, or is not the user's to change.
    """
    if dataset.source not in ("folder", "table"):
        raise DatasetError(
            f"dataset.source is {dataset.source}, and its files are not yours to change; mend your "
            "own folder (source folder), then make a revision of it: run.py data commit"
        )
    table = read_dataset(dataset)
    findings = (
        *table.problems,
        *checks.duplicates_across_splits(table),
        *checks.duplicates_within_splits(table),
        *checks.conflicting_labels(table),
    )
    plan = plan_fix(table, findings)
    if not is_meant or plan.is_empty:
        hint = "" if plan.is_empty else "\nnothing was changed; do it with --yes"
        return plan.summary() + hint
    report = apply_fix(plan)
    return f"{plan.summary()}\nwritten to {report}; undo it: run.py data restore {report.parent}"
