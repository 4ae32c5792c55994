"""The whole of a job's configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticKnownError

from vision.config.augmentation import AugmentationConfig
from vision.config.dataset import DatasetConfig
from vision.config.deployment import DeploymentConfig
from vision.config.drift import DriftConfig
from vision.config.monitoring import MonitoringConfig
from vision.config.rules import broken_rule
from vision.config.section import Section
from vision.config.sections import (
    BundleConfig,
    EvaluationConfig,
    ModelConfig,
    TrackingConfig,
    TrainingConfig,
    ValidationConfig,
    ZenMLConfig,
)
from vision.errors import ConfigError

Pipeline = Literal["validation", "training", "evaluation", "deployment", "monitoring", "full"]


class JobConfig(Section):
    """One job: which pipeline runs, on what, and under which rules."""

    pipeline: Pipeline
    model: ModelConfig
    dataset: DatasetConfig | None = None
    validation: ValidationConfig = ValidationConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    bundle: BundleConfig = BundleConfig()
    drift: DriftConfig = DriftConfig()
    tracking: TrackingConfig = TrackingConfig()
    deployment: DeploymentConfig = DeploymentConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    zenml: ZenMLConfig = ZenMLConfig()

    @field_validator("dataset")
    @classmethod
    def _is_there(cls, dataset: DatasetConfig | None, info: ValidationInfo) -> DatasetConfig | None:
        if dataset is None and info.data.get("pipeline") != "monitoring":
            raise PydanticKnownError("missing")
        return dataset

    @property
    def images(self) -> DatasetConfig:
        """The section ``dataset``, which monitoring alone can do without.

        Raises:
          ConfigError: the job has none.
        """
        if self.dataset is None:
            needed = f"pipeline {self.pipeline} runs without a dataset, and this does not"
            raise ConfigError([f"dataset: missing; {needed}; add the section, or take another job"])
        return self.dataset

    @property
    def needed_splits(self) -> tuple[str, ...]:
        """The splits without which the pipeline cannot reach its end, each once."""
        if self.pipeline in ("validation", "monitoring"):
            return ()
        if self.pipeline in ("evaluation", "deployment"):
            return (self.evaluation.split,)
        return tuple(dict.fromkeys(("train", "validation", self.evaluation.split)))

    @model_validator(mode="after")
    def _holds_out_what_it_needs(self) -> JobConfig:
        if self.dataset is None or self.dataset.source != "digits":
            # A dataset may bring its own splits: known only when it is read.
            return self
        shares = {"validation": self.dataset.split.validation, "test": self.dataset.split.test}
        empty = next((split for split in self.needed_splits if shares.get(split) == 0.0), None)
        if empty is None:
            return self
        key = f"dataset.split.{empty}"
        if self.pipeline in ("training", "full") and empty == "validation":
            needed = f"training needs validation images, and digits brings none; set {key} above 0"
            raise broken_rule(needed, key, "pipeline")
        raise broken_rule(
            f"evaluation.split is {empty}, and digits brings no images for it; set {key} above 0, "
            "or choose another evaluation.split",
            key,
            "evaluation.split",
        )
