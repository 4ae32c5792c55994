"""What all data validators have in common: findings of outcomes, and the report around them."""

from __future__ import annotations

import pandas as pd

from vision.config import ValidationConfig
from vision.validation.measured import Outcome, Reading, findings_of, selected_checks
from vision.validation.names import SuiteCheck
from vision.validation.report import Finding
from vision.validation.shorten import shorten
from vision.validation.validator import make_report

DRIFT = SuiteCheck("feature_drift", "train_test", "v", 0.2)
NEW = SuiteCheck("new_labels", "train_test", "v", 0.0, severity="error")


def outcome(check: SuiteCheck, split: str, value: float, *images: str) -> Outcome:
    notes = tuple(f"{image} in {split}" for image in images)
    return Outcome(check, split, Reading(value, f"it is {value:g}", images, notes))


def test_the_worse_split_counts_and_each_has_a_clause() -> None:
    outcomes = [outcome(DRIFT, "validation", 0.1, "a"), outcome(DRIFT, "test", 0.5, "b", "a")]
    assert findings_of([DRIFT], outcomes) == [
        Finding(
            check="feature_drift",
            severity="warning",
            message="In validation, it is 0.1; in test, it is 0.5",
            images=("a", "b"),
            value=0.5,
            notes=("a in test", "b in test"),
        )
    ]


def test_within_its_limit_a_check_names_no_images() -> None:
    [found] = findings_of([NEW], [outcome(NEW, "test", 0.0, "a")])
    assert (found.severity, found.images, found.notes, found.value) == ("info", (), (), 0.0)
    [found] = findings_of([NEW], [outcome(NEW, "test", 1.0)])
    assert (found.severity, found.notes) == ("error", ())


def test_a_split_that_could_not_be_measured_is_named_beside_the_other() -> None:
    outcomes = [outcome(DRIFT, "validation", 0.3), Outcome(DRIFT, "test", None, "test is empty")]
    [found] = findings_of([DRIFT], outcomes)
    assert (found.value, found.severity) == (0.3, "warning")
    assert found.message == "In validation, it is 0.3; in test, nothing was measured: test is empty"
    [found] = findings_of([DRIFT], outcomes[1:])
    assert (found.value, found.severity) == (None, "info")


def test_selected_checks_have_the_limits_of_the_configuration() -> None:
    config = ValidationConfig(
        checks=("feature_drift", "property_outliers", "corrupt_images"),
        limits={"property_outliers": 0.01},
    )
    assert [(check.name, check.limit) for check in selected_checks(config)] == [
        ("property_outliers", 0.01),
        ("feature_drift", 0.2),
    ]
    assert selected_checks(ValidationConfig(suites=())) == ()


def test_errors_come_first_and_equal_ones_keep_their_order() -> None:
    kinds = ("info", "warning", "error", "info", "warning")
    findings = [
        Finding(check=f"check_{i}", severity=kind, message="m")  # type: ignore[arg-type]
        for i, kind in enumerate(kinds)
    ]
    properties = pd.DataFrame({"split": ["train", "test"], "label": ["a", "b"]})
    report = make_report("v", properties, findings, ValidationConfig(), "")
    assert [found.check[-1] for found in report.findings] == ["2", "1", "4", "0", "3"]
    assert "2 images (train 1, test 1), 2 classes; data validator v" in report.html


def test_long_text_keeps_both_ends() -> None:
    assert shorten("cat/0001.png") == "cat/0001.png"
    assert shorten("0123456789", 10) == "0123456789"
    assert shorten("0123456789a", 10) == "01234…789a"
    assert len(shorten("x" * 5000)) == 160
