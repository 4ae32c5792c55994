"""The names that ``validation.suites`` and ``validation.fail_on`` may use.

A check of a suite reads one number from the image-property table. Higher is worse, always, so
every default reads "at most". The table is plain data: a configuration is checked against it
without importing a data validator, and every data validator reports under these names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vision.validation.report import Severity


@dataclass(frozen=True)
class SuiteCheck:
    """One check of a suite.

    Attributes:
      name: its name in findings, gates and the configuration.
      suite: the suite it belongs to.
      value: what its number is, with the unit.
      limit: the largest number that is not worth a warning.
      severity: of the finding where the number is above the limit; ``info`` below it.
      least_images: with fewer the number is mostly chance, and the check is not run. From 100
        images on, chance alone moves a Kolmogorov-Smirnov statistic above 0.2 in fewer than one
        of a thousand comparisons with a much larger split.
    """

    name: str
    suite: str
    value: str
    limit: float
    severity: Severity = "warning"
    least_images: int = 1


_INTEGRITY = (
    ("missing_properties", "largest share of images that lack one property, 0 to 1", 0.0),
    ("constant_properties", "number of pixel properties with one value in all images", 0.0),
    ("duplicate_properties", "share of images that repeat all properties of another, 0 to 1", 0.0),
    ("conflicting_properties", "share of images equal to one of another class, 0 to 1", 0.0),
    ("property_outliers", "share of images with an outlier probability above 0.9, 0 to 1", 0.005),
    ("label_correlation", "largest predictive power of one property for the label, 0 to 1", 0.8),
    ("schema_violations", "number of images with a value that its column does not declare", 0.0),
)
_TRAIN_TEST = (
    ("feature_drift", "largest Kolmogorov-Smirnov statistic of a property, 0 to 1", 0.2),
    ("label_drift", "Cramér's V between the class shares, 0 to 1", 0.15),
    ("multivariate_drift", "2 AUC - 1 of a classifier that tells the splits apart, 0 to 1", 0.25),
    ("new_labels", "number of held-out classes that training lacks", 0.0),
    ("sample_mix", "share of held-out images equal to a training image, 0 to 1", 0.0),
    ("split_size_ratio", "training images per held-out image", 100.0),
)
# A model cannot be right about a class it never saw; everything else is a matter of degree.
_ERRORS = ("new_labels",)
_STATISTICAL = (
    "property_outliers",
    "label_correlation",
    "feature_drift",
    "label_drift",
    "multivariate_drift",
)
_LEAST_IMAGES = 100

# The names of ``vision.validation.checks``, written out because that module needs pandas and a
# configuration is checked without it; a test keeps the two equal.
OWN_CHECKS = (
    "corrupt_images",
    "empty_files",
    "not_images",
    "too_large_images",
    "unreadable_files",
    "missing_files",
    "refused_links",
    "special_files",
    "outside_root",
    "duplicate_rows",
    "unlabelled_images",
    "empty_classes",
    "nested_folders",
    "outside_classes",
    "hidden_files",
    "ignored_columns",
    "label_clashes",
    "name_clashes",
    "missing_class_in_split",
    "class_imbalance",
    "duplicates_across_splits",
    "duplicates_within_splits",
    "conflicting_labels",
    "groups_across_splits",
    "near_constant_images",
    "outlying_images",
    "near_duplicates_across_splits",
    "near_duplicates_within_splits",
    "conflicting_near_duplicates",
    "likely_wrong_labels",
    "class_changes",
)
# What reading the files finds: always reported, whatever checks are selected.
FILE_CHECKS = OWN_CHECKS[: OWN_CHECKS.index("name_clashes") + 1]
# Data that give a wrong score, or teach what is wrong, train no model unless someone says so.
STOPS_BY_DEFAULT = {
    "corrupt_images": "> 0",
    "duplicates_across_splits": "> 0",
    "near_duplicates_across_splits": "> 0.01",
    "conflicting_labels": "> 0",
    "groups_across_splits": "> 0",
}
# Own checks that say something about a dataset, not about single images: nothing to leave out.
_ABOUT_THE_WHOLE = (
    "ignored_columns",
    "label_clashes",
    "empty_classes",
    "missing_class_in_split",
    "class_imbalance",
    "class_changes",
)
QUARANTINED = tuple(name for name in OWN_CHECKS if name not in _ABOUT_THE_WHOLE)

SUITE_CHECKS: tuple[SuiteCheck, ...] = tuple(
    SuiteCheck(
        name,
        suite,
        value,
        limit,
        severity="error" if name in _ERRORS else "warning",
        least_images=_LEAST_IMAGES if name in _STATISTICAL else 1,
    )
    for suite, rows in (("integrity", _INTEGRITY), ("train_test", _TRAIN_TEST))
    for name, value, limit in rows
)


def suite_checks(
    suites: Iterable[str], only: Iterable[str] | None = None
) -> tuple[SuiteCheck, ...]:
    """Returns the checks of the named suites, in the order of :data:`SUITE_CHECKS`.

    Args:
      suites: names of suites.
      only: names of checks; None for all of the suites.
    """
    chosen = set(suites)
    names = {check.name for check in SUITE_CHECKS} if only is None else set(only)
    return tuple(c for c in SUITE_CHECKS if c.suite in chosen and c.name in names)


def known_checks(suites: Iterable[str]) -> tuple[str, ...]:
    """Returns every name that ``fail_on`` may use: our own checks, then those of the suites."""
    return (*OWN_CHECKS, *(check.name for check in suite_checks(suites)))
