"""Registers a monitoring job with the orchestrator of a stack, where that keeps schedules.

A schedule belongs to the job as it was when it was registered. Its name ends in a digest of that
job, so a second registration of the same job changes nothing, one with another time moves it, and
one with other settings takes its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from zenml.client import Client
from zenml.config.schedule import Schedule
from zenml.models import ScheduleResponse

from stacks.readiness import active_environment
from vision.config import JobConfig
from vision.errors import StackError

Register = Callable[[Schedule], Any]
_SHOWN_DIGITS = 8


def register_schedule(job: JobConfig, register: Register) -> str:
    """Registers a job, moves its schedule, or leaves it as it is.

    Args:
      job: a monitoring job with ``monitoring.every``.
      register: starts the job's pipeline with a schedule, which runs nothing now.

    Returns:
      what was done, in a sentence.

    Raises:
      StackError: the orchestrator of the active stack keeps no schedules, or its runs would
        forget what they found.
    """
    client = Client()
    stack = client.active_stack
    if not stack.orchestrator.config.is_schedulable:
        raise StackError(
            f"the orchestrator {stack.orchestrator.name} of stack {stack.name} keeps no schedules; "
            "use run.py monitor --forever, or the systemd units in ops/systemd"
        )
    _check_memory(stack.name)
    every = job.monitoring.every
    assert every is not None
    prefix = f"monitoring-{job.model.name}-"
    name = prefix + _digest(job)
    known = client.list_schedules(name=f"startswith:{prefix}", size=100, hydrate=True).items
    # Of two models, the name of one may begin with the other's.
    others = [s for s in known if s.name[len(prefix) :].isalnum() and s.name != name]
    same = next((schedule for schedule in known if schedule.name == name), None)
    done = _renew(client, same, name, every, register)
    for schedule in others:
        client.delete_schedule(schedule.id)
    replaced = f", in place of {', '.join(s.name for s in others)}" if others else ""
    return f"schedule {name} {done}: {every} (UTC) on stack {stack.name}{replaced}"


def _check_memory(stack_name: str) -> None:
    """Refuses runs that would keep states and reports in a machine that is gone after the run.

    Raises:
      StackError: the stack sets no home for them.
    """
    environment = active_environment()
    home = environment.get("VISIONSTACK_HOME", "")
    if not PurePosixPath(home).is_absolute():
        found = f"sets VISIONSTACK_HOME = {home!r}" if home else "does not set VISIONSTACK_HOME"
        raise StackError(
            f"stack {stack_name} {found}, so what a scheduled run remembers (who was told what, "
            "reports, the history) would be gone with its machine; set it in the environment of "
            "the stack or its orchestrator to the absolute path of a volume that all runs share"
        )


def _renew(
    client: Client, known: ScheduleResponse | None, name: str, every: str, register: Register
) -> str:
    """Makes the schedule run at the wanted times and says how."""
    wanted = Schedule(name=name, cron_expression=every)
    if known is None:
        register(wanted)
        return "registered"
    before = known.cron_expression
    if before == every:
        return "is registered already"
    if client.active_stack.orchestrator.supports_schedule_updates:
        client.update_schedule(known.id, cron_expression=every)
    else:
        client.delete_schedule(known.id)
        register(wanted)
    return f"moved from {before}"


def _digest(job: JobConfig) -> str:
    """Returns hex digits that change with anything of the job but when it runs."""
    monitoring = job.monitoring.model_copy(update={"every": None})
    plain = job.model_copy(update={"monitoring": monitoring}).model_dump_json()
    return hashlib.sha256(plain.encode()).hexdigest()[:_SHOWN_DIGITS]
