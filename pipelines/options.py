"""What the configuration and the active stack add to single steps."""

from __future__ import annotations

import json
from typing import Any

from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig
from zenml.enums import StackComponentType

from serving.models.store import bundle_folder
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
    return {"retry": settings}


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

    What it leaves in this account, the champion's pointer and the stored bundle, can be deleted
    while ZenML still remembers the step; taken from the cache, nothing would bring them back.
    """
    if champion_tag(job.model.name):
        return tracked(job)
    return {**tracked(job), "enable_cache": False}


def champion_tag(name: str) -> str | None:
    """Returns the tag of a model's champion in the store; None where there is none to use."""
    try:
        champion = read_champion(name)
        if champion is not None and bundle_folder(champion.bento_model).is_dir():
            return champion.bento_model
    except BundleError:
        return None
    return None
