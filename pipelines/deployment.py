"""From a gate to a running service, and the steps that it shares with the full pipeline."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode
from zenml.steps.entrypoint_function_utils import StepArtifact

from pipelines.options import retried, tracked
from pipelines.valid_images import select_valid_images
from steps.build_bento import build_bento
from steps.build_image import build_image
from steps.compare_models import compare_models
from steps.gate_deployment import gate_deployment
from steps.load_bundle import load_bundle
from steps.promote_model import promote_model
from steps.report_deployment import report_deployment
from steps.roll_out import roll_out
from steps.try_bento import try_bento
from steps.try_candidate import try_candidate
from vision.config import JobConfig


@pipeline(name="deployment", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def deployment(
    job: JobConfig,
    data_digest: str,
    bento_model: str,
    data_origin: dict[str, str] | None = None,
    class_changes: tuple[str, ...] = (),
) -> None:
    """Compares a registered version with the champion, packages it, promotes it, rolls it out.

    Args:
      job: the whole configuration; each step takes the sections it needs.
      data_digest: digest of the data as they are now.
      bento_model: ``name:version`` of the challenger in the BentoML model store.
      data_origin: what was found out about the data on the way, such as the commit of a revision.
      class_changes: how the dataset's classes differ from those of the challenger, in sentences.
    """
    selected, _ = select_valid_images(job, data_digest, data_origin, class_changes)
    bundle = load_bundle.with_options(**retried(job))(bento_model=bento_model, after="gate_dataset")
    deploy(job, selected, bundle, after="load_bundle")


def deploy(job: JobConfig, table: StepArtifact, bundle: StepArtifact, *, after: str) -> None:
    """Adds the steps from the comparison to the passport.

    Nothing is promoted before the packages were built and tried: what fails there changes nothing.

    Args:
      job: the whole configuration.
      table: the images.
      bundle: the challenger; it is in the model store.
      after: the step behind which the challenger is in the model store.
    """
    plain, section = retried(job), job.deployment
    comparison = compare_models.with_options(**plain)(
        table, bundle, evaluation=job.evaluation, rules=section.compare, after=after
    )
    decision = gate_deployment(comparison, approval=section.approval, named=section.version)
    bento = build_bento.with_options(**plain)(bundle, after="gate_deployment")
    bento_test = try_bento.with_options(**plain)(bento, bundle)
    image = build_image.with_options(**plain)(
        bento, bundle, config=section.image, after="try_bento"
    )
    # What services see is done once: a second try would judge what the first has left.
    try_candidate(bundle, deployment=section, after="build_image")
    promoted = promote_model(bundle, comparison, after="try_candidate")
    rolled_out = roll_out(promoted, deployment=section, image=image)
    report_deployment.with_options(**tracked(job) | {"retry": None})(
        bundle, table, comparison, decision, bento, bento_test, image, promoted, rolled_out
    )
