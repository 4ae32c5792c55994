"""Runs a job at its scheduled times until it is asked to stop.

Each run is a process of its own: it reads the configuration as it is then, gives all its memory
back, and whatever happens to it, the next one comes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from pipelines.schedule import JobSchedule
from vision.progress import say

# A clock that was changed, or a machine that slept, is noticed after so long.
_LONGEST_WAIT_S = 30.0
_ENDS = {0: "ended", 4: "found drift", 130: "was interrupted"}


class Waiting(Protocol):
    """What lets the loop wait; see :class:`pipelines.stopping.Stopping`."""

    @property
    def is_asked(self) -> bool:
        """Whether it was asked to stop."""

    def wait(self, seconds: float) -> None:
        """Waits, at most until it is asked to stop."""


def utc_now() -> datetime:
    """Returns the time."""
    return datetime.now(UTC)


def run_forever(
    schedule: JobSchedule,
    every: Callable[[], str],
    run: Callable[[], int],
    waiting: Waiting,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Runs a job whenever it is due, until ``waiting`` is asked to stop.

    Args:
      schedule: of the job.
      every: gives the cron expression; asked again whenever it has waited.
      run: runs the job and returns its exit code.
      waiting: what it waits with.
      clock: gives the time, UTC.

    Raises:
      VisionError: what the schedule keeps cannot be read or written.
    """
    announced = None
    while not waiting.is_asked:
        now = clock()
        due = schedule.due_at(every(), now)
        if due <= now:
            # Noted first: a run that cannot even start is not tried again and again.
            schedule.note(now)
            code = run()
            say(f"the run of {now:%Y-%m-%d %H:%M} UTC {_ENDS.get(code, f'failed ({code})')}")
            continue
        if due != announced:
            say(f"next run at {due:%Y-%m-%d %H:%M} UTC")
            announced = due
        waiting.wait(min((due - now).total_seconds(), _LONGEST_WAIT_S))
