"""A job's configuration: one YAML file, checked whole before anything heavy is imported."""

from vision.config.augmentation import AugmentationConfig
from vision.config.dataset import DatasetConfig
from vision.config.drift import DriftConfig
from vision.config.job import JobConfig
from vision.config.monitoring import MonitoringConfig
from vision.config.sections import (
    BundleConfig,
    EvaluationConfig,
    ModelConfig,
    TrackingConfig,
    TrainingConfig,
    ValidationConfig,
)

__all__ = [
    "AugmentationConfig",
    "BundleConfig",
    "DatasetConfig",
    "DriftConfig",
    "EvaluationConfig",
    "JobConfig",
    "ModelConfig",
    "MonitoringConfig",
    "TrackingConfig",
    "TrainingConfig",
    "ValidationConfig",
]
