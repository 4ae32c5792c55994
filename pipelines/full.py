"""From a dataset to a running service in one command."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.deployment import deploy
from pipelines.training import train
from vision.config import JobConfig


@pipeline(name="full", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def full(
    job: JobConfig,
    data_digest: str,
    data_origin: dict[str, str] | None = None,
    class_changes: tuple[str, ...] = (),
    weights_digest: str | None = None,
) -> None:
    """Trains, evaluates, registers, compares, packages, promotes and rolls out.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how its classes differ from those of the champion, in sentences.
      weights_digest: digest of the file in ``model.weights``; None without one.
    """
    table, bundle = train(
        job, data_digest, data_origin, class_changes, weights_digest, promotes_first=False
    )
    deploy(job, table, bundle, after="register_model")
