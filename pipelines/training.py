"""From a dataset to a registered model."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode
from zenml.steps.entrypoint_function_utils import StepArtifact

from pipelines.options import precision, registered, retried, tracked
from pipelines.valid_images import select_valid_images
from steps.build_bundle import build_bundle
from steps.evaluate_model import evaluate_model
from steps.gate_model import gate_model
from steps.preview_augmentation import preview_augmentation
from steps.register_model import register_model
from steps.train_model import train_model
from vision.config import JobConfig


# Gates have no output that the next step takes, so the order is stated: nothing runs past a gate.
@pipeline(name="training", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def training(
    job: JobConfig,
    data_digest: str,
    data_origin: dict[str, str] | None = None,
    class_changes: tuple[str, ...] = (),
    weights_digest: str | None = None,
) -> None:
    """Loads, validates, trains, evaluates, bundles and registers.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how its classes differ from those of the champion, in sentences.
      weights_digest: digest of the file in ``model.weights``; None without one.
    """
    train(job, data_digest, data_origin, class_changes, weights_digest)


def train(
    job: JobConfig,
    data_digest: str,
    data_origin: dict[str, str] | None,
    class_changes: tuple[str, ...],
    weights_digest: str | None,
    *,
    promotes_first: bool = True,
) -> tuple[StepArtifact, StepArtifact]:
    """Adds the steps from the dataset to the registered model.

    Args:
      job: the whole configuration.
      data_digest: digest of the data as they are now.
      data_origin: what was found out about the data on the way.
      class_changes: how its classes differ from those of the champion, in sentences.
      weights_digest: digest of the file in ``model.weights``; None without one.
      promotes_first: whether the first version of a model is champion once it is registered.

    Returns:
      the images that passed the gate, and the bundle, which is in the model store.
    """
    plain, tracking = retried(job), tracked(job)
    selected, properties = select_valid_images(job, data_digest, data_origin, class_changes)
    preview_augmentation.with_options(**plain)(
        selected, model=job.model, augmentation=job.augmentation
    )
    trained = train_model.with_options(**tracking, environment=precision())(
        selected,
        model=job.model,
        training=job.training,
        augmentation=job.augmentation,
        weights_digest=weights_digest,
    )
    evaluated = evaluate_model.with_options(**tracking)(
        selected, trained, model=job.model, evaluation=job.evaluation
    )
    gate_model(evaluated)
    bundle = build_bundle.with_options(**plain)(
        trained,
        selected,
        properties,
        evaluated,
        model=job.model,
        bundle=job.bundle,
        drift=job.drift,
        after="gate_model",
    )
    register_model.with_options(**registered(job))(bundle, promotes_first=promotes_first)
    return selected, bundle
