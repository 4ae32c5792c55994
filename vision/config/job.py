"""The whole of a job's configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from vision.config.augmentation import AugmentationConfig
from vision.config.dataset import DatasetConfig
from vision.config.section import Section
from vision.config.sections import (
    BundleConfig,
    DeploymentConfig,
    DriftConfig,
    EvaluationConfig,
    ModelConfig,
    MonitoringConfig,
    TrackingConfig,
    TrainingConfig,
    ValidationConfig,
    ZenMLConfig,
)


def _is_available(pipeline: str) -> str:
    if pipeline not in ("training", "evaluation"):
        raise ValueError("is reserved for a later version; use training or evaluation")
    return pipeline


Pipeline = Annotated[
    Literal["training", "evaluation", "deployment", "monitoring", "full"],
    AfterValidator(_is_available),
]


class JobConfig(Section):
    """One job: which pipeline runs, on what, and under which rules."""

    pipeline: Pipeline
    model: ModelConfig
    dataset: DatasetConfig
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
