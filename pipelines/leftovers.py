"""Pipeline runs whose process is gone: ZenML would show them as running for ever."""

from __future__ import annotations

import os
import socket
from typing import Any

import psutil
from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.models import PipelineRunResponse
from zenml.orchestrators import publish_utils

from steps.process_name import process_name

_KEY = "process"
_UNFINISHED = (ExecutionStatus.INITIALIZING, ExecutionStatus.RUNNING)
_REASON = "Its process ended without a word; it was killed, or the machine was restarted."


def this_process() -> dict[str, Any]:
    """Returns what a pipeline run notes about the process that it runs in."""
    return {_KEY: {"host": socket.gethostname(), "name": process_name(os.getpid())}}


def mark_leftovers() -> list[str]:
    """Marks runs of processes of this machine that no longer live as failed.

    Returns:
      the names of these runs.
    """
    client = Client()
    marked = []
    for status in _UNFINISHED:
        for run in client.list_pipeline_runs(status=status.value, size=50, hydrate=True).items:
            if _is_leftover(run):
                mark_failed(run, _REASON)
                marked.append(run.name)
    return marked


def mark_failed(run: PipelineRunResponse, reason: str) -> None:
    """Marks a pipeline run, and the steps of it that still run, as failed."""
    for step in run.steps.values():
        if not step.status.is_finished:
            publish_utils.publish_failed_step_run(step.id)
    publish_utils.publish_pipeline_run_status_update(run.id, ExecutionStatus.FAILED, reason)


def _is_leftover(run: PipelineRunResponse) -> bool:
    noted = run.config.extra.get(_KEY)
    if noted is None or noted["host"] != socket.gethostname():
        return False
    if "name" not in noted:  # as runs were noted once
        return not psutil.pid_exists(noted["pid"])
    name = str(noted["name"])
    return process_name(int(name.partition(" ")[0])) != name
