"""Looks at a dataset and judges it; trains nothing."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.valid_images import select_valid_images
from vision.config import JobConfig


@pipeline(name="validation", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def validation(
    job: JobConfig,
    data_digest: str,
    data_origin: dict[str, str] | None = None,
    class_changes: tuple[str, ...] = (),
) -> None:
    """Loads, measures and validates the data; the first steps of training, with its cache.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how its classes differ from those of the champion, in sentences.
    """
    select_valid_images(job, data_digest, data_origin, class_changes)
