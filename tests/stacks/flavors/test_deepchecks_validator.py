"""The ZenML component: findings, gates and page in one report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import pandas as pd
import pytest
from zenml.enums import StackComponentType

from stacks.flavors.deepchecks_validator import (
    DeepchecksValidator,
    DeepchecksValidatorConfig,
    DeepchecksValidatorFlavor,
)
from vision.config import ValidationConfig
from vision.validation.report import Finding, Gate
from vision.validation.validator import DataValidator

Make = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def validator() -> DeepchecksValidator:
    now = datetime(2026, 1, 1)
    return DeepchecksValidator(
        name="deepchecks",
        id=uuid4(),
        config=DeepchecksValidatorConfig(n_outlier_rows=500),
        flavor="deepchecks_tabular",
        type=StackComponentType.DATA_VALIDATOR,
        user=None,
        created=now,
        updated=now,
    )


def test_the_flavor_says_what_zenml_asks() -> None:
    flavor = DeepchecksValidatorFlavor()
    assert flavor.name == "deepchecks_tabular"
    assert flavor.type is StackComponentType.DATA_VALIDATOR
    assert flavor.implementation_class.FLAVOR is DeepchecksValidatorFlavor
    assert set(flavor.config_schema["properties"]) == {"seed", "n_outlier_rows", "ranges"}
    assert flavor.logo_url is None


def test_it_is_what_the_pipeline_asks_for(validator: DeepchecksValidator) -> None:
    assert isinstance(validator, DataValidator)


@pytest.mark.slow
@pytest.mark.fault
def test_drift_beside_our_own_findings_closes_its_gate(
    validator: DeepchecksValidator, make_properties: Make
) -> None:
    properties = make_properties()
    properties.loc[properties["split"] == "test", "brightness"] += 0.3
    own = Finding(
        check="corrupt_images",
        severity="error",
        message="1 file is no image",
        images=("a/broken.jpg",),
        value=1.0,
    )
    config = ValidationConfig(
        suites=("train_test",), fail_on={"feature_drift": "> 0.3", "label_drift": "> 0.3"}
    )
    report = validator.validate(properties, [own], config)

    assert report.validator == "deepchecks_tabular"
    assert [finding.check for finding in report.findings[:2]] == ["corrupt_images", "feature_drift"]
    drift = report.findings[1]
    assert drift.severity == "warning"
    assert drift.message.startswith("In validation, ")
    assert "; in test, brightness differs most from train: 0." in drift.message
    assert not report.passed
    assert report.gates == (
        Gate(name="feature_drift", passed=False, value=drift.value, rule="<= 0.3"),
        Gate(name="label_drift", passed=True, value=0.0, rule="<= 0.3"),
    )
    assert report.html.index("a/broken.jpg") < report.html.index("<iframe")
    assert "Our own checks" in report.html
    assert 5_000_000 < len(report.html.encode()) < 10_000_000


@pytest.mark.slow
def test_what_could_not_be_measured_does_not_pass(
    validator: DeepchecksValidator, make_properties: Make
) -> None:
    config = ValidationConfig(suites=("train_test",), fail_on={"feature_drift": "> 0.9"})
    report = validator.validate(make_properties(60), [], config)
    assert report.gates == (Gate(name="feature_drift", passed=False, value=None, rule="<= 0.9"),)
    finding = next(found for found in report.findings if found.check == "feature_drift")
    assert finding.severity == "info"
    assert "nothing was measured: train has 36 of the 100 images needed" in finding.message


@pytest.mark.slow
def test_zenml_can_compare_two_tables(
    validator: DeepchecksValidator, make_properties: Make
) -> None:
    brighter = make_properties(300, seed=1)
    brighter["brightness"] += 0.3
    report = validator.data_validation(
        make_properties(300), brighter, ["train_test"], fail_on={"feature_drift": "> 0.5"}
    )
    assert not report.passed
    assert {finding.check for finding in report.findings} >= {"feature_drift", "sample_mix"}


def test_a_profile_describes_each_property_in_each_split(
    validator: DeepchecksValidator, make_properties: Make
) -> None:
    profile = validator.data_profiling(make_properties(90), profile_list=["brightness", "n_bytes"])
    assert list(profile.index.get_level_values("split").unique()) == ["test", "train", "validation"]
    assert profile.loc[("train", "brightness"), "count"] == 54
    assert 0.4 < profile.loc[("test", "brightness"), "mean"] < 0.6


def test_models_are_sent_to_the_evaluation(validator: DeepchecksValidator) -> None:
    with pytest.raises(NotImplementedError, match="evaluate_model"):
        validator.model_validation(None, None)
