"""Trains the model and tracks how it goes."""

from __future__ import annotations

import hashlib
from typing import Annotated

from zenml import log_metadata, step

from steps import tracking
from steps.caching import by_content, code_of
from steps.tracked_reports import log_cached_validation
from vision.config import AugmentationConfig, ModelConfig, TrainingConfig
from vision.config.section import Section
from vision.datasets.table import AnnotationTable
from vision.provenance import read_code_version
from vision.training import fit
from vision.training.fit import TrainedModel

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.trained_model.TrainedModelMaterializer",
)
def train_model(
    table: AnnotationTable,
    model: ModelConfig,
    training: TrainingConfig,
    augmentation: AugmentationConfig,
    weights_digest: str | None = None,
) -> Annotated[TrainedModel, "trained_model"]:
    """Trains on the ``train`` split and keeps the weights that validate best.

    Args:
      table: the images.
      model: what is trained.
      training: how.
      augmentation: how training images are varied.
      weights_digest: digest of the file in ``model.weights``; part of the cache key.
    """
    del weights_digest
    tracker = tracking.current()
    sections = {"model": model, "training": training, "augmentation": augmentation}
    code_version = read_code_version()
    log_cached_validation(tracker)
    tracker.log_sections(sections)
    tracker.log_dataset(table)
    tracker.log_code(code_version)
    trained = fit.train_model(
        model,
        training,
        augmentation,
        table,
        on_epoch=lambda epoch, metrics: tracker.log_metrics(metrics, epoch),
    )
    tracker.log_metrics(_best(trained))
    lineage = {
        "tracking_run": tracker.run_id or "",
        "git_commit": code_version.commit or "",
        "git_is_dirty": bool(code_version.is_dirty),
        "config_digest": _digest(sections),
    }
    log_metadata(lineage, infer_artifact=True)
    return trained


def _best(trained: TrainedModel) -> dict[str, float]:
    """Returns what the kept weights reached; a metric's last value is that of the last epoch."""
    history = trained.history.set_index("epoch")
    kept = history.loc[trained.best_epoch]
    return {
        "best_epoch": float(trained.best_epoch),
        "best_val_loss": float(kept["val_loss"]),
        "best_val_accuracy": float(kept["val_accuracy"]),
    }


def _digest(sections: dict[str, Section]) -> str:
    texts = [f"{name}={section.model_dump_json()}" for name, section in sorted(sections.items())]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
