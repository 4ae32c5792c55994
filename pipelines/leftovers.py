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
from zenml.utils.time_utils import utc_now

from steps.process_name import process_name
from vision.progress import say

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
    """Marks a pipeline run, and the steps of it that still run, as failed.

    One that fails while it has tries left counts as waiting for the next; it is marked as stopped.
    """
    for step in run.steps.values():
        if step.status.is_finished:
            continue
        marked = publish_utils.publish_failed_step_run(step.id)
        if not marked.status.is_finished:
            publish_utils.publish_step_run_status_update(step.id, ExecutionStatus.STOPPED)
    publish_utils.publish_pipeline_run_status_update(run.id, ExecutionStatus.FAILED, reason)


def forget_removed(run: PipelineRunResponse) -> None:
    """Keeps steps whose results are gone from being taken from the cache.

    ZenML removes what a step stored when something goes wrong around it, also where that was, or
    an interrupt struck, after the step was noted as completed. An artifact store that does not
    answer is told, and nothing else: the run has failed for a reason of its own.

    Args:
      run: one that failed, on the active stack.
    """
    client = Client()
    try:
        store = client.active_stack.artifact_store
        for step in run.steps.values():
            results = [each.uri for made in step.outputs.values() for each in made]
            if step.status is ExecutionStatus.COMPLETED and not all(map(store.exists, results)):
                client.update_step_run(step.id, cache_expires_at=utc_now())
    except Exception as error:  # noqa: BLE001 - each store fails in its own way
        why = str(error) or type(error).__name__
        say(
            f"it is not known whether all results of {run.name} are stored ({why}); "
            "should the next run miss a file, run it once with --no-cache"
        )


def _is_leftover(run: PipelineRunResponse) -> bool:
    noted = run.config.extra.get(_KEY)
    if noted is None or noted["host"] != socket.gethostname():
        return False
    if "name" not in noted:  # as runs were noted once
        return not psutil.pid_exists(noted["pid"])
    name = str(noted["name"])
    return process_name(int(name.partition(" ")[0])) != name
