"""The second data validator: the same report as the first, without a validation library."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from zenml.enums import StackComponentType

from stacks.flavors.deepchecks_validator import DeepchecksValidator, DeepchecksValidatorConfig
from stacks.flavors.property_validator import PropertyValidator
from stacks.flavors.schema_validator import (
    SchemaValidator,
    SchemaValidatorConfig,
    SchemaValidatorFlavor,
)
from vision.config import ValidationConfig
from vision.validation.measured import selected_checks
from vision.validation.names import SUITE_CHECKS
from vision.validation.report import Finding, Gate, ValidationReport
from vision.validation.validator import DataValidator

Make = Callable[..., pd.DataFrame]

# These draw samples or fit models, each validator in its own way.
STATISTICAL = {"property_outliers", "label_correlation", "multivariate_drift"}


def component(kind: type[PropertyValidator], **settings: Any) -> PropertyValidator:
    now = datetime(2026, 1, 1)
    config = SchemaValidatorConfig if kind is SchemaValidator else DeepchecksValidatorConfig
    return kind(
        name="validator",
        id=uuid4(),
        config=config(**{"n_outlier_rows": 1000, **settings}),
        flavor=kind.FLAVOR().name,
        type=StackComponentType.DATA_VALIDATOR,
        user=None,
        created=now,
        updated=now,
    )


@pytest.fixture(scope="module")
def validator() -> PropertyValidator:
    return component(SchemaValidator)


def brighter(properties: pd.DataFrame) -> None:
    properties.loc[properties["split"] == "test", "brightness"] += 0.15


def rarer(properties: pd.DataFrame) -> None:
    chosen = properties.index[(properties["split"] == "test")][:100]
    properties.loc[chosen, "label"] = "class a"


def new_class(properties: pd.DataFrame) -> None:
    chosen = properties.index[properties["split"] == "validation"][:30]
    properties.loc[chosen, "label"] = "<i>unseen</i>"


def copied(properties: pd.DataFrame) -> None:
    same = [name for name in properties.columns if name not in ("path", "split")]
    train = properties.index[properties["split"] == "train"][:18]
    test = properties.index[properties["split"] == "test"][:18]
    properties.loc[test, same] = properties.loc[train, same].to_numpy()
    measured = [name for name in same if name != "label"]
    properties.loc[101, measured] = properties.loc[100, measured]


def incomplete(properties: pd.DataFrame) -> None:
    properties.loc[:8, "sharpness"] = np.nan
    properties["contrast"] = 0.2


def outlying(properties: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    far = properties.index[100:112]
    properties.loc[far, "entropy"] = rng.uniform(-40, -10, 12)
    properties.loc[far, "saturation"] = rng.uniform(5, 20, 12)


def given_away(properties: pd.DataFrame) -> None:
    properties["brightness"] = properties["label"].factorize()[0] * 0.3 + 0.1


def small(properties: pd.DataFrame) -> None:
    properties.drop(properties.index[120:], inplace=True)  # noqa: PD002


FAULTS = (brighter, rarer, new_class, copied, incomplete, outlying, given_away, small)


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize(
    "plant", [None, *FAULTS], ids=lambda plant: getattr(plant, "__name__", "clean")
)
def test_both_validators_judge_alike(make_properties: Make, plant: Any) -> None:
    properties = make_properties()
    if plant is not None:
        plant(properties)
        properties = properties.infer_objects()
    config = ValidationConfig(fail_on={"feature_drift": "> 0.3", "new_labels": "> 0"})
    reports = [
        component(kind).validate(properties, [], config)
        for kind in (SchemaValidator, DeepchecksValidator)
    ]
    ours, theirs = ({found.check: found for found in report.findings} for report in reports)
    assert set(ours) == set(theirs) == {check.name for check in SUITE_CHECKS}
    assert [g.passed for g in reports[0].gates] == [g.passed for g in reports[1].gates]
    for check in SUITE_CHECKS:
        one, other = ours[check.name], theirs[check.name]
        assert one.severity == other.severity, check.name
        assert (one.value is None) == (other.value is None), check.name
        if check.name not in STATISTICAL and one.value is not None:
            assert one.value == pytest.approx(other.value, abs=1e-9), check.name
            assert one.message == other.message
            assert one.images == other.images


def test_the_flavor_says_what_zenml_asks() -> None:
    flavor = SchemaValidatorFlavor()
    assert flavor.name == "property_schema"
    assert flavor.type is StackComponentType.DATA_VALIDATOR
    assert flavor.implementation_class.FLAVOR is SchemaValidatorFlavor
    assert set(flavor.config_schema["properties"]) == {"seed", "n_outlier_rows", "ranges"}


def test_it_is_what_the_pipeline_asks_for(validator: PropertyValidator) -> None:
    assert isinstance(validator, DataValidator)


def test_importing_it_imports_no_validation_library() -> None:
    code = (
        "import sys, stacks.flavors.schema_validator;"
        "print([m for m in ('deepchecks', 'plotly', 'tensorflow', 'torch', 'sklearn') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def report(validator: PropertyValidator, make_properties: Make) -> ValidationReport:
    properties = make_properties()
    new_class(properties)
    brighter(properties)
    own = Finding(check="corrupt_images", severity="error", message="1 broken", value=1.0)
    config = ValidationConfig(fail_on={"feature_drift": "> 0.3", "corrupt_images": "> 1"})
    return validator.validate(properties, [own], config)


@pytest.mark.fault
def test_findings_and_gates_are_in_one_report(report: ValidationReport) -> None:
    assert report.validator == "property_schema"
    assert [found.check for found in report.findings[:2]] == ["corrupt_images", "new_labels"]
    assert report.findings[1].message == (
        "In validation, 30 images of classes that train lacks: <i>unseen</i>; in test, no class is "
        "new"
    )
    drift = next(found for found in report.findings if found.check == "feature_drift")
    assert report.gates == (
        Gate(name="feature_drift", passed=False, value=drift.value, rule="<= 0.3"),
        Gate(name="corrupt_images", passed=True, value=1.0, rule="<= 1"),
    )


@pytest.mark.security
def test_its_section_loads_nothing_runs_nothing_and_escapes_names(report: ValidationReport) -> None:
    import html

    frame = re.search(r'srcdoc="([^"]*)"', report.html)
    assert frame is not None
    section = html.unescape(frame.group(1))
    assert "<i>unseen" not in section
    assert "&lt;i&gt;unseen" in section
    assert "<script" not in section
    assert re.findall(r"(?:src|href)\s*=|@import|url\(", section) == []
    assert '<meta name="color-scheme" content="light">' in section
    assert "<td>brightness</td><td>number from 0 to 1</td>" in section
    assert section.count("<polyline") >= 20
    assert len(report.html) < 400_000


def test_only_what_is_selected_is_measured(
    validator: PropertyValidator, make_properties: Make
) -> None:
    config = ValidationConfig(
        suites=("train_test",),
        checks=("split_size_ratio", "new_labels", "corrupt_images"),
        limits={"split_size_ratio": 2.0},
        fail_on={},
    )
    report = validator.validate(make_properties(150), [], config)
    assert [(found.check, found.severity, found.value) for found in report.findings] == [
        ("split_size_ratio", "warning", 3.0),
        ("new_labels", "info", 0.0),
    ]
    assert validator.validate(make_properties(30), [], ValidationConfig(suites=())).findings == ()


@pytest.mark.fault
def test_ranges_of_the_component_list_the_images_outside(
    make_properties: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import vision.validation.names as names

    if "schema_violations" not in {check.name for check in SUITE_CHECKS}:
        row = names.SuiteCheck("schema_violations", "integrity", "images that break it", 0.0)
        monkeypatch.setattr(names, "SUITE_CHECKS", (*SUITE_CHECKS, row))
    properties = make_properties(150)
    properties["saturation"] = 0.4
    properties.loc[[3, 7], "saturation"] = [0.9, 0.95]
    limited = component(SchemaValidator, ranges={"saturation": [0.1, 0.8]})
    found = {f.check: f for f in limited.validate(properties, [], ValidationConfig()).findings}
    assert found["schema_violations"].severity == "warning"
    assert found["schema_violations"].value == 2.0
    assert found["schema_violations"].images == ("a/00003.png", "b/00007.png")
    assert found["schema_violations"].notes == ("saturation 0.9", "saturation 0.95")


@pytest.mark.parametrize(
    ("ranges", "rule"),
    [
        ({"bright": [0, 1]}, "ranges.bright: there is no such property; known: brightness, contr"),
        ({"entropy": [5, 2]}, "ranges.entropy: 5 to 2 is empty; write"),
    ],
)
def test_ranges_that_mean_nothing_are_refused(ranges: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(rule)):
        SchemaValidatorConfig(ranges=ranges)


def test_the_same_table_gives_the_same_report(
    validator: PropertyValidator, make_properties: Make
) -> None:
    config = ValidationConfig()
    assert validator.validate(make_properties(300), [], config) == validator.validate(
        make_properties(300), [], config
    )


def test_limits_are_the_configurations() -> None:
    checks = selected_checks(ValidationConfig(limits={"feature_drift": 0.35}))
    assert {check.name: check.limit for check in checks if check.name.endswith("drift")} == {
        "feature_drift": 0.35,
        "label_drift": 0.15,
        "multivariate_drift": 0.25,
    }
