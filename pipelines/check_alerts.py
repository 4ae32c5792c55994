"""Refuses a monitoring job whose alerts could not be sent, before anything runs."""

from __future__ import annotations

import os

from zenml.client import Client

from vision.config import JobConfig
from vision.errors import ConfigError
from vision.monitoring.alerts import missing_variables


def check_alerts(job: JobConfig) -> None:
    """Refuses a monitoring job that names environment variables which are not set.

    Where the active stack's orchestrator runs elsewhere, they have to be set there, which cannot
    be seen from here.

    Raises:
      ConfigError: with a line for each variable.
    """
    if job.pipeline != "monitoring" or not Client().active_stack.orchestrator.config.is_local:
        return
    missing = missing_variables(job.monitoring.alerts, os.environ)
    if missing:
        raise ConfigError(missing)
