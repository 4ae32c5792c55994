"""ZenML data validator: Deepchecks' tabular suites over the image-property table.

Its own flavor, because ``deepchecks.vision`` and ZenML's integration need PyTorch. Importing this
module imports ZenML but not Deepchecks.
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

from stacks.flavors.deepchecks_suites import run_suites
from stacks.flavors.property_validator import PropertyValidator, PropertyValidatorConfig
from stacks.flavors.shown_findings import show_findings
from vision.config import ValidationConfig
from vision.validation.measured import Outcome
from vision.validation.names import SuiteCheck
from vision.validation.report import Finding

FLAVOR_NAME = "deepchecks_tabular"


class DeepchecksValidatorConfig(PropertyValidatorConfig):
    """How Deepchecks samples, and which values are allowed."""


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


class DeepchecksValidator(PropertyValidator):
    """Runs the suites ``integrity`` and ``train_test``."""

    NAME: ClassVar[str] = "Deepchecks tabular"
    FLAVOR: ClassVar[type[BaseDataValidatorFlavor]] = DeepchecksValidatorFlavor
    PACKAGES: ClassVar[tuple[str, ...]] = ("deepchecks",)

    def measure(
        self,
        properties: pd.DataFrame,
        checks: Sequence[SuiteCheck],
        findings: Sequence[Finding],
        config: ValidationConfig,
    ) -> tuple[list[Outcome], str]:
        """Runs the checks as Deepchecks suites, ours among them."""
        shown = show_findings(findings, config, properties)
        return run_suites(properties, checks, self.config.sampling, shown)
