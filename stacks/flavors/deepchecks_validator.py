"""ZenML data validator: Deepchecks' tabular suites over the image-property table.

Its own flavor, because ``deepchecks.vision`` and ZenML's integration need PyTorch. Importing this
module imports ZenML but not Deepchecks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, cast

import pandas as pd
from pydantic import Field
from zenml.data_validators.base_data_validator import (
    BaseDataValidator,
    BaseDataValidatorConfig,
    BaseDataValidatorFlavor,
)

from stacks.flavors.deepchecks_readings import Outcome
from stacks.flavors.deepchecks_suites import run_suites
from vision.config import ValidationConfig
from vision.validation.columns import numeric_properties
from vision.validation.names import SuiteCheck, suite_checks
from vision.validation.report import Finding, ValidationReport
from vision.validation.report_page import Thumbnail
from vision.validation.validator import make_report

FLAVOR_NAME = "deepchecks_tabular"


class DeepchecksValidatorConfig(BaseDataValidatorConfig):
    """How Deepchecks samples.

    Attributes:
      seed: of every sample; the same table and seed give the same report.
      n_outlier_rows: the most images that are searched for outliers.
    """

    seed: int = Field(default=0, ge=0, description="Seed of every sample that is drawn.")
    n_outlier_rows: int = Field(
        default=5000, ge=100, description="The most images that are searched for outliers."
    )


class DeepchecksValidatorFlavor(BaseDataValidatorFlavor):
    """Registers :class:`DeepchecksValidator` with ZenML."""

    @property
    def name(self) -> str:
        """The flavor's name in stack files."""
        return FLAVOR_NAME

    @property
    def config_class(self) -> type[BaseDataValidatorConfig]:
        """The class that a component's configuration is read into."""
        return DeepchecksValidatorConfig

    @property
    def implementation_class(self) -> type[BaseDataValidator]:
        """The class of the component."""
        return DeepchecksValidator


class DeepchecksValidator(BaseDataValidator):
    """Runs the suites ``integrity`` and ``train_test``."""

    NAME: ClassVar[str] = "Deepchecks tabular"
    FLAVOR: ClassVar[type[BaseDataValidatorFlavor]] = DeepchecksValidatorFlavor

    @property
    def config(self) -> DeepchecksValidatorConfig:
        """The component's configuration."""
        return cast(DeepchecksValidatorConfig, self._config)

    def validate(
        self,
        properties: pd.DataFrame,
        findings: Sequence[Finding],
        config: ValidationConfig,
        thumbnail: Thumbnail | None = None,
    ) -> ValidationReport:
        """Runs the selected suites; see ``vision.validation.validator.DataValidator``."""
        outcomes, section = run_suites(
            properties, config.suites, self.config.seed, self.config.n_outlier_rows
        )
        ours = [*findings, *_findings(config.suites, outcomes)]
        return make_report(FLAVOR_NAME, properties, ours, config, section, thumbnail)

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


def _findings(suites: Iterable[str], outcomes: Sequence[Outcome]) -> list[Finding]:
    return [
        _finding(check, [outcome for outcome in outcomes if outcome.check == check])
        for check in suite_checks(suites)
    ]


def _finding(check: SuiteCheck, outcomes: Sequence[Outcome]) -> Finding:
    """Joins what a check measured on several splits: the worst number, and a clause for each."""
    readings = [one.reading for one in outcomes if one.reading is not None]
    clauses = "; ".join(_clause(one) for one in outcomes)
    message = clauses[:1].upper() + clauses[1:]
    if not readings:
        return Finding(check=check.name, severity="info", message=message)
    value = max(reading.value for reading in readings)
    images = dict.fromkeys(path for reading in readings for path in reading.images)
    is_above = value > check.limit
    return Finding(
        check=check.name,
        severity=check.severity if is_above else "info",
        message=message,
        images=tuple(images) if is_above else (),
        value=value,
    )


def _clause(outcome: Outcome) -> str:
    reading = outcome.reading
    said = reading.sentence if reading else f"nothing was measured: {outcome.reason}"
    return f"in {outcome.split}, {said}" if outcome.split else said
