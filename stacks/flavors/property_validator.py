"""What the ZenML components of all our data validators have in common.

A flavor brings :meth:`PropertyValidator.measure`; the rest of ZenML's interface, and what the
pipeline asks for, is the same for all of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import pandas as pd
from pydantic import Field, field_validator
from zenml.data_validators.base_data_validator import (
    BaseDataValidator,
    BaseDataValidatorConfig,
    BaseDataValidatorFlavor,
)

from vision.config import ValidationConfig
from vision.validation.columns import numeric_properties
from vision.validation.measured import Outcome, findings_of, selected_checks
from vision.validation.measures import Sampling
from vision.validation.names import SuiteCheck, suite_checks
from vision.validation.report import Finding, ValidationReport
from vision.validation.report_page import Thumbnail
from vision.validation.schema import check_ranges
from vision.validation.validator import make_report

_DRIFT_CHECK = "feature_drift"


class PropertyValidatorConfig(BaseDataValidatorConfig):
    """How a data validator samples, and which values it allows.

    Attributes:
      seed: of every sample; the same table and seed give the same report.
      n_outlier_rows: the most images that are searched for outliers.
      ranges: property to its smallest and largest value, for example ``brightness: [0.05, 0.95]``.
    """

    seed: int = Field(default=0, ge=0, description="Seed of every sample that is drawn.")
    n_outlier_rows: int = Field(
        default=5000, ge=100, description="The most images that are searched for outliers."
    )
    ranges: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="Smallest and largest value of a property."
    )

    @field_validator("ranges")
    @classmethod
    def _are_of_properties(
        cls, ranges: dict[str, tuple[float, float]]
    ) -> dict[str, tuple[float, float]]:
        check_ranges(ranges)
        return ranges

    @property
    def sampling(self) -> Sampling:
        """The configuration as the core reads it."""
        return Sampling(self.seed, self.n_outlier_rows, self.ranges)


class PropertyValidator(BaseDataValidator):
    """Validates a dataset by its image-property table."""

    NAME: ClassVar[str] = "Image properties"
    FLAVOR: ClassVar[type[BaseDataValidatorFlavor]]
    PACKAGES: ClassVar[tuple[str, ...]] = ()
    """Packages that a flavor needs beside those of every stack, by the name they import under."""

    @property
    def config(self) -> PropertyValidatorConfig:
        """The component's configuration."""
        return cast(PropertyValidatorConfig, self._config)

    @abstractmethod
    def measure(
        self,
        properties: pd.DataFrame,
        checks: Sequence[SuiteCheck],
        findings: Sequence[Finding],
        config: ValidationConfig,
    ) -> tuple[list[Outcome], str]:
        """Measures checks and renders the data validator's own section of the page.

        Args:
          properties: one row per image.
          checks: what to measure, each with its limit.
          findings: of our own checks, to be shown with the others.
          config: the conditions that stop the pipeline.

        Returns:
          one outcome per check and table, and a whole HTML document; empty for none.
        """

    def validate(
        self,
        properties: pd.DataFrame,
        findings: Sequence[Finding],
        config: ValidationConfig,
        thumbnail: Thumbnail | None = None,
    ) -> ValidationReport:
        """Runs the selected checks; see ``vision.validation.validator.DataValidator``."""
        checks = selected_checks(config)
        outcomes, section = self.measure(properties, checks, findings, config)
        joined = [*findings, *findings_of(checks, outcomes)]
        name = self.FLAVOR().name
        return make_report(name, properties, joined, config, section, thumbnail)

    def compare_properties(
        self, reference: pd.DataFrame, predictions: pd.DataFrame
    ) -> dict[str, str]:
        """Runs the check ``feature_drift``; see ``vision.validation.validator.PropertyComparer``.

        Columns that have one value in all images, or follow another, are left out, as in
        :meth:`validate`; so is everything where either side has fewer images than the check needs.
        """
        tables = (reference, predictions)
        # The label says nothing here, and every table has one.
        dataset = _as_train_and_test(*(table.assign(label="image", path="") for table in tables))
        checks = suite_checks(("train_test",), (_DRIFT_CHECK,))
        outcomes, _ = self.measure(dataset, checks, (), ValidationConfig())
        readings = [one.reading for one in outcomes if one.split == "test" and one.reading]
        return {
            name: f"{_DRIFT_CHECK} of {self.FLAVOR().name}: {value:.3f}, at most "
            f"{checks[0].limit:g}; median {reference[name].median():.4g} in the reference set, "
            f"{predictions[name].median():.4g} in the predictions"
            for reading in readings
            for name, value in sorted(reading.by_column.items(), key=lambda item: -item[1])
            if value > checks[0].limit
        }

    def data_validation(
        self,
        dataset: pd.DataFrame,
        comparison_dataset: pd.DataFrame | None = None,
        check_list: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> ValidationReport:
        """Validates property tables through ZenML's own interface.

        Args:
          dataset: an image-property table with its splits.
          comparison_dataset: a second table; ``dataset`` then counts as training data and all of
            this one as the test split.
          check_list: names of suites; without it all that the tables allow.
          **kwargs: ``findings``, ``fail_on`` and ``thumbnail`` as in :meth:`validate`.

        Returns:
          findings, gates and the page.
        """
        if comparison_dataset is not None:
            dataset = _as_train_and_test(dataset, comparison_dataset)
        values = {} if check_list is None else {"suites": tuple(check_list)}
        config = ValidationConfig.model_validate({**values, "fail_on": kwargs.get("fail_on", {})})
        return self.validate(dataset, kwargs.get("findings", ()), config, kwargs.get("thumbnail"))

    def data_profiling(
        self,
        dataset: pd.DataFrame,
        comparison_dataset: pd.DataFrame | None = None,
        profile_list: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> pd.DataFrame:
        """Describes each property in each split.

        Args:
          dataset: an image-property table.
          comparison_dataset: a second table, described as the test split beside the first.
          profile_list: the properties to describe; all by default.
          **kwargs: none are used.

        Returns:
          one row per split and property: count, mean, std, min, quartiles, max.
        """
        if comparison_dataset is not None:
            dataset = _as_train_and_test(dataset, comparison_dataset)
        columns = list(profile_list or numeric_properties(dataset))
        described = {
            split: rows[columns].describe().T for split, rows in dataset.groupby("split", sort=True)
        }
        return pd.concat(described, names=["split", "property"])

    def model_validation(
        self,
        dataset: Any,
        model: Any,
        comparison_dataset: Any = None,
        check_list: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Is not done here: properties say nothing about a model's answers.

        Raises:
          NotImplementedError: always.
        """
        raise NotImplementedError(
            f"{self.NAME} validates datasets; models are judged by the step evaluate_model and "
            "the gate in evaluation.gate"
        )


def _as_train_and_test(train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    tables = [train.assign(split="train"), test.assign(split="test")]
    return pd.concat(tables, ignore_index=True)
