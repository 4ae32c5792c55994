"""Runs our own checks over a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from vision.config import ValidationConfig
from vision.datasets.problems import PROBLEMS
from vision.datasets.table import AnnotationTable
from vision.validation import checks
from vision.validation.near_duplicates import find_near_duplicates
from vision.validation.outlying import outlying_images
from vision.validation.quarantine import leave_out
from vision.validation.report import Finding
from vision.validation.wrong_labels import likely_wrong_labels

_Check = Callable[[AnnotationTable, pd.DataFrame], list[Finding]]

_SEVERITY_ORDER = ("error", "warning", "info")


def find_problems(
    table: AnnotationTable, properties: pd.DataFrame, config: ValidationConfig | None = None
) -> tuple[Finding, ...]:
    """Runs our selected checks and adds what was found while the files were read.

    The images of classes are counted last, without those that go into quarantine.

    Args:
      table: the annotation table.
      properties: one row per row of the table, see :mod:`vision.properties`.
      config: which checks run; None for all.

    Returns:
      findings, errors first, each check at most once.
    """
    config = config or ValidationConfig()
    findings = list(table.problems)
    for names, check in _CHECKS.items():
        if any(map(config.runs, names)):
            found = check(table, properties)
            findings += [finding for finding in found if config.runs(finding.check)]
    left = leave_out(table, findings, config.quarantine).table
    for name, of_classes in _OF_CLASSES.items():
        findings += of_classes(left) if config.runs(name) else []
    return tuple(sorted(findings, key=_place))


def _place(finding: Finding) -> tuple[int, int]:
    return _SEVERITY_ORDER.index(finding.severity), CHECK_NAMES.index(finding.check)


def _of_table(check: Callable[[AnnotationTable], list[Finding]]) -> _Check:
    return lambda table, _: check(table)


# The findings that a function may return -> the function; in the order of the report.
_CHECKS: Mapping[tuple[str, ...], _Check] = {
    ("duplicates_across_splits",): _of_table(checks.duplicates_across_splits),
    ("duplicates_within_splits",): _of_table(checks.duplicates_within_splits),
    ("conflicting_labels",): _of_table(checks.conflicting_labels),
    ("groups_across_splits",): _of_table(checks.groups_across_splits),
    ("near_constant_images",): lambda _, properties: checks.near_constant_images(properties),
    ("outlying_images",): outlying_images,
    (
        "near_duplicates_across_splits",
        "near_duplicates_within_splits",
        "conflicting_near_duplicates",
    ): find_near_duplicates,
    ("likely_wrong_labels",): _of_table(likely_wrong_labels),
}
_OF_CLASSES: Mapping[str, Callable[[AnnotationTable], list[Finding]]] = {
    "missing_class_in_split": checks.missing_class_in_split,
    "class_imbalance": checks.class_imbalance,
}
# The classes of the champion are compared where the champion is known, before the checks.
CHECK_NAMES: tuple[str, ...] = (
    *PROBLEMS,
    *_OF_CLASSES,
    *(name for names in _CHECKS for name in names),
    "class_changes",
)
