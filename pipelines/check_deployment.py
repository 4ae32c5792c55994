"""Refuses a deployment that could not be rolled out or taken back, before anything runs."""

from __future__ import annotations

from zenml.client import Client

from steps.promotion.services import find_key
from vision.config import JobConfig
from vision.errors import ConfigError


def check_deployment(job: JobConfig) -> None:
    """Refuses a deployment whose admin key is in an environment variable that is not set.

    Where the active stack's orchestrator runs elsewhere, it has to be set there, which cannot be
    seen from here.

    Raises:
      ConfigError: the variable is not set.
    """
    section = job.deployment
    if job.pipeline not in ("deployment", "full") or section.target == "none":
        return
    if section.admin_key_from is None or not Client().active_stack.orchestrator.config.is_local:
        return
    try:
        find_key(section.admin_key_from)
    except ConfigError as error:
        raise ConfigError([f"deployment.admin_key_from: {error}"]) from error
