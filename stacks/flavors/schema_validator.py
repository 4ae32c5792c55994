"""ZenML data validator: plain schema and threshold checks over the image-property table.

NumPy, SciPy and scikit-learn, and no validation library: it runs where Deepchecks is not installed
or its licence is not wanted. Same checks, same names, same report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd
from zenml.data_validators.base_data_validator import (
    BaseDataValidator,
    BaseDataValidatorConfig,
    BaseDataValidatorFlavor,
)

from stacks.flavors.property_validator import PropertyValidator, PropertyValidatorConfig
from stacks.flavors.schema_page import render_section
from vision.config import ValidationConfig
from vision.validation.measured import Outcome
from vision.validation.measures import measure_checks
from vision.validation.names import SuiteCheck
from vision.validation.report import Finding

FLAVOR_NAME = "property_schema"


class SchemaValidatorConfig(PropertyValidatorConfig):
    """How measures sample, and which values are allowed."""


class SchemaValidatorFlavor(BaseDataValidatorFlavor):
    """Registers :class:`SchemaValidator` with ZenML."""

    @property
    def name(self) -> str:
        """The flavor's name in stack files."""
        return FLAVOR_NAME

    @property
    def config_class(self) -> type[BaseDataValidatorConfig]:
        """The class that a component's configuration is read into."""
        return SchemaValidatorConfig

    @property
    def implementation_class(self) -> type[BaseDataValidator]:
        """The class of the component."""
        return SchemaValidator


class SchemaValidator(PropertyValidator):
    """Measures the suites ``integrity`` and ``train_test``, and declares the table's columns."""

    NAME: ClassVar[str] = "Property schema"
    FLAVOR: ClassVar[type[BaseDataValidatorFlavor]] = SchemaValidatorFlavor

    def measure(
        self,
        properties: pd.DataFrame,
        checks: Sequence[SuiteCheck],
        findings: Sequence[Finding],
        config: ValidationConfig,
    ) -> tuple[list[Outcome], str]:
        """Measures the checks and renders the columns, splits and classes."""
        outcomes = measure_checks(properties, checks, self.config.sampling)
        section = render_section(properties, outcomes, self.config.ranges) if checks else ""
        return outcomes, section
