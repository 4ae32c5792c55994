"""Scores a registered model again, on a dataset that may be another one."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.options import retried, tracked
from pipelines.valid_images import select_valid_images
from steps.evaluate_bundle import evaluate_bundle
from steps.gate_model import gate_model
from steps.load_bundle import load_bundle
from vision.config import JobConfig


@pipeline(name="evaluation", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def evaluation(
    job: JobConfig,
    data_digest: str,
    bento_model: str,
    data_origin: dict[str, str] | None = None,
    class_changes: tuple[str, ...] = (),
) -> None:
    """Loads and validates the data, and scores a bundle with the graph that is served.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      bento_model: ``name:version`` in the BentoML model store.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how the dataset's classes differ from those of the bundle, in sentences.
    """
    plain, tracking = retried(job), tracked(job)
    selected, _ = select_valid_images(job, data_digest, data_origin, class_changes)
    bundle = load_bundle.with_options(**plain)(bento_model=bento_model, after="gate_dataset")
    evaluated = evaluate_bundle.with_options(**tracking)(
        selected, bundle, evaluation=job.evaluation
    )
    gate_model(evaluated)
