"""From a dataset to a registered model."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.options import precision, registered, retried, tracked
from steps.build_bundle import build_bundle
from steps.compute_properties import compute_properties
from steps.evaluate_model import evaluate_model
from steps.gate_dataset import gate_dataset
from steps.gate_model import gate_model
from steps.load_dataset import load_dataset
from steps.preview_augmentation import preview_augmentation
from steps.register_model import register_model
from steps.train_model import train_model
from steps.validate_dataset import validate_dataset
from vision.config import JobConfig


# Gates have no output that the next step takes, so the order is stated: nothing runs past a gate.
@pipeline(name="training", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def training(job: JobConfig, data_digest: str, weights_digest: str | None = None) -> None:
    """Loads, validates, trains, evaluates, bundles and registers.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      weights_digest: digest of the file in ``model.weights``; None without one.
    """
    plain, tracking = retried(job), tracked(job)
    table = load_dataset.with_options(**plain)(
        dataset=job.dataset, data_digest=data_digest, splits=job.needed_splits
    )
    properties = compute_properties.with_options(**plain)(table)
    report = validate_dataset.with_options(**tracking)(table, properties, validation=job.validation)
    gate_dataset(report)
    preview_augmentation.with_options(**plain)(
        table, model=job.model, augmentation=job.augmentation, after="gate_dataset"
    )
    trained = train_model.with_options(**tracking, environment=precision())(
        table,
        model=job.model,
        training=job.training,
        augmentation=job.augmentation,
        weights_digest=weights_digest,
        after="gate_dataset",
    )
    evaluated = evaluate_model.with_options(**tracking)(
        table, trained, model=job.model, evaluation=job.evaluation
    )
    gate_model(evaluated)
    bundle = build_bundle.with_options(**plain)(
        trained,
        table,
        properties,
        evaluated,
        model=job.model,
        bundle=job.bundle,
        drift=job.drift,
        after="gate_model",
    )
    register_model.with_options(**registered(job))(bundle)
