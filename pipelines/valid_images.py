"""What every pipeline begins with: from a dataset to the images that passed the gate."""

from __future__ import annotations

from zenml.steps.entrypoint_function_utils import StepArtifact

from pipelines.options import retried, tracked, validator
from steps.compute_properties import compute_properties
from steps.gate_dataset import gate_dataset
from steps.load_dataset import load_dataset
from steps.select_images import select_images
from steps.validate_dataset import validate_dataset
from vision.config import JobConfig


def select_valid_images(
    job: JobConfig,
    data_digest: str,
    data_origin: dict[str, str] | None,
    class_changes: tuple[str, ...],
) -> tuple[StepArtifact, StepArtifact]:
    """Adds the steps that read, measure, validate and judge a dataset.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how its classes differ from those of the model in use, in sentences.

    Returns:
      the annotation table without what is in quarantine, and the property table of all images.
    """
    plain, tracking = retried(job), tracked(job)
    table = load_dataset.with_options(**plain)(
        dataset=job.images,
        data_digest=data_digest,
        splits=job.needed_splits,
        data_origin=data_origin,
    )
    properties = compute_properties.with_options(**plain)(table)
    report = validate_dataset.with_options(**tracking)(
        table,
        properties,
        validation=job.validation,
        class_changes=class_changes,
        validator=validator(),
    )
    gate_dataset(report)
    # Gates have no output that the next step takes, so the order is stated.
    selected = select_images.with_options(**plain)(
        table,
        report,
        dataset=job.images,
        validation=job.validation,
        splits=job.needed_splits,
        after="gate_dataset",
    )
    return selected, properties
