"""Records a bundle as a version of a ZenML model, with the artifacts that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from zenml import get_step_context, log_metadata
from zenml.client import Client
from zenml.enums import ModelStages
from zenml.exceptions import EntityExistsError
from zenml.model.utils import link_artifact_version_to_model_version
from zenml.models import ModelVersionPipelineRunRequest, ModelVersionResponse

from vision.bundles.manifest import Manifest

_STAGES = {"champion": ModelStages.PRODUCTION, "challenger": ModelStages.STAGING}


def record_model_version(manifest: Manifest, alias: str, names: dict[str, str]) -> str:
    """Creates the version, or finds it where an earlier try made it, and returns its id.

    Done here rather than by a ``Model`` on the pipeline, which would make a new version on every
    run, also where all steps come from the cache.

    Args:
      manifest: the bundle's.
      alias: ``champion`` or ``challenger``.
      names: what the version is called elsewhere; logged as its metadata.
    """
    version = _find_or_create(manifest)
    version.set_stage(_STAGES[alias], force=True)
    metrics = {name: value for name, value in manifest.metrics.items() if value is not None}
    known = {name: value for name, value in names.items() if value}
    log_metadata({**known, **metrics, "alias": alias}, model_version_id=version.id)
    _link_run(version)
    return str(version.id)


def read_stages(model: str, *versions: str) -> dict[str, str] | None:
    """Returns the stages of versions of a model, and of those that are in production or staging.

    Args:
      model: the model's name.
      versions: bundle versions; those that ZenML does not know are left out.

    Returns:
      version to stage; None where ZenML does not know the model.
    """
    client = Client()
    try:
        client.get_model(model)
    except KeyError:
        return None
    found = {}
    for wanted in (*versions, *_STAGES.values()):
        with suppress(KeyError):
            version = client.get_model_version(model, wanted)
            found[str(version.name)] = str(version.stage or ModelStages.NONE.value)
    return found


def write_stages(model: str, stages: Mapping[str, str]) -> None:
    """Brings versions to these stages; twice is no error.

    ZenML archives the version that was in production or staging before; so those come first that
    archive another one, and a version that is put back to what it was comes after.

    Args:
      model: the model's name.
      stages: version to stage.
    """
    client = Client()
    held = [stage.value for stage in _STAGES.values()]
    for name, stage in sorted(stages.items(), key=lambda each: each[1] not in held):
        with suppress(KeyError):
            version = client.get_model_version(model, name)
            if str(version.stage or ModelStages.NONE.value) != stage:
                version.set_stage(stage, force=True)


def _find_or_create(manifest: Manifest) -> ModelVersionResponse:
    client = Client()
    with suppress(EntityExistsError):
        client.create_model(manifest.name, description="Made by the training pipeline.")
    try:
        return client.create_model_version(manifest.name, name=manifest.version)
    except EntityExistsError:
        return client.get_model_version(manifest.name, manifest.version)


def _link_run(version: ModelVersionResponse) -> None:
    """Links the pipeline run, and what all its steps so far have made, to the version."""
    client = Client()
    run = client.get_pipeline_run(get_step_context().pipeline_run.id)
    client.zen_store.create_model_version_pipeline_run_link(
        ModelVersionPipelineRunRequest(model_version=version.id, pipeline_run=run.id)
    )
    for step_run in run.steps.values():
        for outputs in step_run.outputs.values():
            for artifact in outputs:
                link_artifact_version_to_model_version(artifact, version)
