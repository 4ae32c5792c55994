"""Scores a registered model again, on a dataset that may be another one."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.options import retried, tracked
from steps.compute_properties import compute_properties
from steps.evaluate_bundle import evaluate_bundle
from steps.gate_dataset import gate_dataset
from steps.gate_model import gate_model
from steps.load_bundle import load_bundle
from steps.load_dataset import load_dataset
from steps.validate_dataset import validate_dataset
from vision.config import JobConfig


@pipeline(name="evaluation", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def evaluation(job: JobConfig, data_digest: str, bento_model: str) -> None:
    """Loads and validates the data, and scores a bundle with the graph that is served.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      bento_model: ``name:version`` in the BentoML model store.
    """
    plain, tracking = retried(job), tracked(job)
    table = load_dataset.with_options(**plain)(
        dataset=job.dataset, data_digest=data_digest, splits=job.needed_splits
    )
    properties = compute_properties.with_options(**plain)(table)
    report = validate_dataset.with_options(**tracking)(table, properties, validation=job.validation)
    gate_dataset(report)
    bundle = load_bundle.with_options(**plain)(bento_model=bento_model, after="gate_dataset")
    evaluated = evaluate_bundle.with_options(**tracking)(table, bundle, evaluation=job.evaluation)
    gate_model(evaluated)
