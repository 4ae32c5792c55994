"""Runs the pipeline of a job on a stack and reports what happened."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from zenml.client import Client
from zenml.constants import ENV_ZENML_ACTIVE_STACK_ID
from zenml.enums import ExecutionStatus
from zenml.exceptions import ZenMLBaseException
from zenml.models import PipelineRunResponse
from zenml.pipelines.pipeline_definition import Pipeline

from pipelines.check_alerts import check_alerts
from pipelines.check_deployment import check_deployment
from pipelines.collect import collect, find_monitoring
from pipelines.console import short_log
from pipelines.inputs import digest_names, find_inputs
from pipelines.interruption import INTERRUPTS, interruptible, is_interrupted
from pipelines.leftovers import forget_removed, mark_failed, mark_leftovers, this_process
from pipelines.report import RunReport
from pipelines.retrain import check_retrain, maybe_retrain
from pipelines.schedule_zenml import register_schedule
from pipelines.settings import check_settings
from stacks.readiness import check_active_stack
from stacks.server import check_server
from steps.left_over_tracking import end_left_over
from vision.config import JobConfig
from vision.environment import prepare
from vision.errors import BundleError, DatasetError

WAIT_VARIABLE = "VISIONSTACK_WAIT_S"
_WAIT_S = 24 * 3600.0
_LONGEST_PAUSE_S = 30.0


def launch(job: JobConfig, *, stack: str | None = None, use_cache: bool = True) -> RunReport:
    """Runs a job to its end.

    Args:
      job: what is run.
      stack: the stack to run on, without making it the active one; None for the active one.
      use_cache: whether steps whose inputs did not change are taken from the cache.

    Raises:
      StackError: the stack is missing or cannot be used here; nothing was started.
      ConfigError: ZenML refuses a setting of ``zenml.settings``, ``monitoring.retrain.config``
        cannot be run, or a variable that an alert or ``deployment.admin_key_from`` names is not
        set; nothing was started.
      KeyboardInterrupt: the user stopped it; the pipeline run is marked as failed.
    """
    prepare()
    check_server()
    with _on_stack(stack), short_log():
        check_active_stack(stack)
        mark_leftovers()
        _check_monitoring(job)
        check_deployment(job)
        pipeline = _configured(job, use_cache)
        name = f"{job.pipeline}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"
        failure = _run(pipeline.with_options(run_name=name), job, name)
        run = _find(name)
        if run is None:
            return RunReport(pipeline=job.pipeline, status="failed", error=failure)
        run = _wait(run)
        report = collect(run)
    if report.monitoring is None:
        return report
    # With the stack given back: training takes it anew.
    found = find_monitoring(run)
    done = maybe_retrain(job, found, lambda new: launch(new, stack=stack, use_cache=use_cache))
    return report.retrained(done)


def schedule(job: JobConfig, stack: str | None = None) -> str:
    """Lets the orchestrator of a stack run a monitoring job at ``monitoring.every``.

    Returns:
      what was done, in a sentence.

    Raises:
      StackError: the stack is missing, cannot be used here, or keeps no schedules.
      ConfigError: ZenML refuses a setting of ``zenml.settings``.
    """
    prepare()
    check_server()
    with _on_stack(stack), short_log():
        check_active_stack(stack)
        _check_monitoring(job)
        pipeline = _configured(job, use_cache=True)
        # No process of this machine is behind a run that the orchestrator starts.
        options = {"extra": {"process": None}}
        return register_schedule(
            job, lambda at: pipeline.with_options(schedule=at, **options)(job=job)
        )


def plan(job: JobConfig, stack: str | None = None) -> str:
    """Returns what :func:`launch` would run where, in a few lines; starts nothing.

    Raises:
      StackError: the stack is missing or cannot be used here.
      ConfigError: ZenML refuses a setting of ``zenml.settings``.
    """
    prepare()
    check_server()
    with _on_stack(stack), short_log():
        check_active_stack(stack)
        model = Client().active_stack_model
        pipeline = _configured(job, use_cache=True)
        pipeline.prepare(job=job, **dict.fromkeys(digest_names(job), "unknown"))
        components = [
            f"  {kind.value}: {component.name} ({component.flavor_name})"
            for kind, found in model.components.items()
            for component in found
        ]
        steps = [f"  {number}. {name}" for number, name in enumerate(pipeline.invocations, start=1)]
        header = [f"pipeline {job.pipeline} on stack {model.name}"]
        return "\n".join([*header, *components, "steps", *steps])


@contextmanager
def _on_stack(name: str | None) -> Iterator[None]:
    """Makes a stack the active one of this process only."""
    if name is None:
        yield
        return
    found = Client().list_stacks(name=name).items
    before = os.environ.get(ENV_ZENML_ACTIVE_STACK_ID)
    # An unknown name is refused, with the nearest one, by the check that follows.
    if found:
        os.environ[ENV_ZENML_ACTIVE_STACK_ID] = str(found[0].id)
    try:
        yield
    finally:
        os.environ.pop(ENV_ZENML_ACTIVE_STACK_ID, None)
        if before is not None:
            os.environ[ENV_ZENML_ACTIVE_STACK_ID] = before


def _check_monitoring(job: JobConfig) -> None:
    """Refuses a monitoring job that could not act, or tell anybody, once it has found drift."""
    if job.pipeline == "monitoring":
        check_alerts(job)
        check_retrain(job)


def _configured(job: JobConfig, use_cache: bool, *, is_started_here: bool = True) -> Pipeline:
    from pipelines.deployment import deployment
    from pipelines.evaluation import evaluation
    from pipelines.full import full
    from pipelines.monitoring import monitoring
    from pipelines.training import training
    from pipelines.validation import validation

    check_settings(job.zenml.settings)
    options: dict[str, Any] = {
        "enable_cache": use_cache and job.zenml.enable_cache,
        "settings": dict(job.zenml.settings),
        "tags": list(job.zenml.tags),
        "extra": this_process() if is_started_here else {},
    }
    pipelines = {
        "training": training,
        "evaluation": evaluation,
        "validation": validation,
        "monitoring": monitoring,
        "deployment": deployment,
        "full": full,
    }
    return pipelines[job.pipeline].with_options(**options)


def _run(pipeline: Pipeline, job: JobConfig, name: str) -> str | None:
    """Runs the pipeline; returns why it ended early, None where it did not."""
    try:
        inputs = find_inputs(job)
    except (DatasetError, BundleError) as error:
        return str(error)
    failure, is_stopped = _run_to_its_end(pipeline, job, inputs)
    if failure is None and not is_stopped:
        return None
    # Out here the exception is gone, and with it what its traceback held of databases.
    run = _find(name)
    if is_stopped:
        if run is not None and run.status is not ExecutionStatus.COMPLETED:
            mark_failed(run, "Interrupted by the user.")
        end_left_over(job.tracking, job.model.name, name)
    if run is not None:
        forget_removed(run)
    if is_stopped:
        raise KeyboardInterrupt
    return failure


def _run_to_its_end(
    pipeline: Pipeline, job: JobConfig, inputs: dict[str, Any]
) -> tuple[str | None, bool]:
    """Runs the pipeline; returns why it failed, if it did, and whether it was interrupted."""
    with interruptible():
        try:
            pipeline(job=job, **inputs)
        except INTERRUPTS:
            return None, True
        except Exception as error:
            # ZenML raises these when a step failed; which one, and why, is with the run.
            if not is_interrupted() and not isinstance(error, RuntimeError | ZenMLBaseException):
                raise
            return str(error), is_interrupted()
        return None, is_interrupted()


def _find(name: str) -> PipelineRunResponse | None:
    found = Client().list_pipeline_runs(name=name, size=1, hydrate=True).items
    return found[0] if found else None


def _wait(run: PipelineRunResponse) -> PipelineRunResponse:
    """Waits for a run that the orchestrator only took on; gives the run as it is at the limit."""
    limit = time.monotonic() + float(os.environ.get(WAIT_VARIABLE, _WAIT_S))
    pause_s = 1.0
    while not run.status.is_finished and time.monotonic() < limit:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        run = Client().get_pipeline_run(run.id)
    return run
