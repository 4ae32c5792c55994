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
    "name_clashes",
    "duplicates_across_splits",
    "duplicates_within_splits",
    "conflicting_labels",
    "missing_class_in_split",
    "class_imbalance",
    "near_constant_images",
)

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


def suite_checks(suites: Iterable[str]) -> tuple[SuiteCheck, ...]:
    """Returns the checks of the named suites, in the order of :data:`SUITE_CHECKS`."""
    chosen = set(suites)
    return tuple(check for check in SUITE_CHECKS if check.suite in chosen)


def known_checks(suites: Iterable[str]) -> tuple[str, ...]:
    """Returns every name that ``fail_on`` may use: our own checks, then those of the suites."""
    return (*OWN_CHECKS, *(check.name for check in suite_checks(suites)))
