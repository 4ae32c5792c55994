"""What the configuration and the active stack add to single steps."""

from __future__ import annotations

import json
from typing import Any

from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig
from zenml.enums import StackComponentType
from zenml.utils.pagination_utils import depaginate

from pipelines.interruption import stop_if_interrupted
from serving.models.store import bundle_folder, bundle_tag
from stacks.readiness import active_environment
from steps import tracking
from vision.bundles.champion import read_champion
from vision.config import JobConfig
from vision.errors import BundleError

PRECISION_SWITCHES = ("VISIONSTACK_MIXED_PRECISION", "VISIONSTACK_XLA")


def retried(job: JobConfig) -> dict[str, Any]:
    """Returns the options of a step that is tried again when it fails.

    Gates get none of them, so retries are no option of the whole pipeline: a second try would
    judge the same numbers again.
    """
    retry = job.zenml.retry
    if retry.max_retries == 0:
        return {}
    settings = StepRetryConfig(
        max_retries=retry.max_retries, delay=retry.delay_s, backoff=retry.backoff
    )
    # ZenML would try an interrupted step again as well.
    return {"retry": settings, "on_start": stop_if_interrupted}


def tracked(job: JobConfig) -> dict[str, Any]:
    """Returns the options of a step that writes to the tracking run, and is tried again."""
    return {**retried(job), **tracking.step_options(job.tracking, job.model.name)}


def precision() -> dict[str, str]:
    """Returns the stack's switches that change what training gives, for its cache key."""
    environment = active_environment()
    return {name: environment[name] for name in PRECISION_SWITCHES if name in environment}


def validator() -> str:
    """Returns the stack's data validator with its configuration, for the cache key of its step."""
    [component] = Client().active_stack_model.components[StackComponentType.DATA_VALIDATOR]
    settings = json.dumps(component.configuration, sort_keys=True, default=str)
    return f"{component.flavor_name} {settings}"


def registered(job: JobConfig) -> dict[str, Any]:
    """Returns the options of the registering step: tracked, and not skipped where it is undone.

    What it leaves in this account, the champion's pointer and the stored bundles, can be deleted
    while ZenML still remembers the step; taken from the cache, nothing would bring them back. Which
    version it is about is not known yet, so all of the model count. A deployment that follows needs
    the bundle in any case. Doing it twice adds nothing.
    """
    name = job.model.name
    if job.pipeline == "training" and champion_tag(name) and all(map(_is_stored, _versions(name))):
        return tracked(job)
    return {**tracked(job), "enable_cache": False}


def _versions(name: str) -> list[str]:
    """Returns the tags of all versions of a model that ZenML knows."""
    try:
        found = depaginate(Client().list_model_versions, model=name)
    except KeyError:
        return []
    return [bundle_tag(name, str(each.name)) for each in found]


def _is_stored(tag: str) -> bool:
    try:
        return bundle_folder(tag).is_dir()
    except BundleError:
        return False


def champion_tag(name: str) -> str | None:
    """Returns the tag of a model's champion in the store; None where there is none to use."""
    try:
        champion = read_champion(name)
    except BundleError:
        return None
    return champion.bento_model if champion and _is_stored(champion.bento_model) else None
