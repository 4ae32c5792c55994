"""Runs a job at its scheduled times until it is asked to stop.

Each run is a process of its own: it reads the configuration as it is then, gives all its memory
back, and whatever happens to it, the next one comes. What keeps the loop itself from going on, such
as a file that cannot be read, is told once and tried again.

A run that was cut off together with the loop, by a loss of power for example, is told and run once
more when the loop is started again; its repeat is not. One that still runs at the next time is
told as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from pipelines.schedule import JobSchedule
from vision.errors import VisionError
from vision.progress import say

# A clock that was changed, or a machine that slept, is noticed after so long.
_LONGEST_WAIT_S = 30.0
_INTERRUPTED = 130
_ENDS = {0: "ended", 4: "found drift", _INTERRUPTED: "was interrupted"}


# Runs the job and returns its exit code; calls what it is given every now and then meanwhile.
Run = Callable[[Callable[[], None]], int]


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
    run: Run,
    tell: Callable[[str], None],
    waiting: Waiting,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Runs a job whenever it is due, until ``waiting`` is asked to stop.

    Args:
      schedule: of the job.
      every: gives the cron expression; asked again whenever it has waited.
      run: runs the job.
      tell: tells people, in a sentence, what keeps the job from being watched.
      waiting: what it waits with.
      clock: gives the time, UTC.
    """
    loop = _Loop(schedule, every, run, tell, waiting, clock)
    is_told = False
    while not waiting.is_asked:
        try:
            wait_s = loop.look()
            is_told = False
        except (VisionError, OSError) as error:
            wait_s = _LONGEST_WAIT_S
            if not is_told:
                _tell_trouble(error, tell)
                is_told = True
        if wait_s:
            waiting.wait(wait_s)


class _Loop:
    """What is done with each look at the clock."""

    def __init__(
        self,
        schedule: JobSchedule,
        every: Callable[[], str],
        run: Run,
        tell: Callable[[str], None],
        waiting: Waiting,
        clock: Callable[[], datetime],
    ) -> None:
        self._schedule, self._every, self._run, self._clock = schedule, every, run, clock
        self._tell, self._waiting = tell, waiting
        self._announced: datetime | None = None
        self._has_looked_back = False

    def look(self) -> float:
        """Runs the job where it is due; returns how long to wait, in seconds.

        Raises:
          VisionError: what the schedule keeps cannot be read.
          OSError: something that is needed cannot be opened, or standard error be written.
        """
        now = self._clock()
        due = self._schedule.due_at(self._every(), now)
        is_repeat = self._has_to_repeat()
        if is_repeat or due <= now:
            self._run_now(now, is_repeat)
            return 0.0
        if due != self._announced:
            say(f"next run at {due:%Y-%m-%d %H:%M} UTC")
            self._announced = due
        return min((due - now).total_seconds(), _LONGEST_WAIT_S)

    def _run_now(self, now: datetime, is_repeat: bool) -> None:
        # Noted first: a run that cannot even start is not tried again and again.
        self._schedule.begin(now, is_repeat)
        code = self._run(self._watch_run(now))
        if self._waiting.is_asked and (code == _INTERRUPTED or code < 0):
            # All of it is ended, for example since the machine is shut down.
            self._schedule.begin(now, is_repeat)
        elif not self._schedule.is_held("run"):  # by somebody who runs it by hand
            self._schedule.end()
        say(f"the run of {_time(now)} {_ENDS.get(code, f'failed ({code})')}")

    def _watch_run(self, began: datetime) -> Callable[[], None]:
        """Returns what looks whether the next time has come meanwhile, and tells so once."""
        is_told = False

        def look() -> None:
            nonlocal is_told
            # What is wrong with the schedule is told once the run has ended.
            with suppress(VisionError, OSError):
                now = self._clock()
                due = self._schedule.due_at(self._every(), now)
                if due <= now and not is_told:
                    is_told = True
                    sentence = f"see why the run of {_time(began)} has not ended by {_time(due)}"
                    say(sentence)
                    self._tell(f"{sentence}; no other begins before it has")

        return look

    def _has_to_repeat(self) -> bool:
        """Returns whether a run was cut off before the loop began and is to be made up for."""
        begun = None if self._has_looked_back else self._schedule.find_begun()
        is_cut_off = begun is not None and not self._schedule.is_held("run")
        self._has_looked_back = True
        if begun is None or not is_cut_off:
            return False
        sentence = f"see what ended the run of {_time(begun.started)} before its time"
        if begun.is_repeat:
            self._schedule.end()
            sentence += "; it was a repeat, so the next is at the next time"
        else:
            sentence += "; it is run once more now"
        with suppress(VisionError, OSError):  # it is made up for all the same
            self._tell(sentence)
        return not begun.is_repeat


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _tell_trouble(error: Exception, tell: Callable[[str], None]) -> None:
    """Tells what keeps the job from being watched; it is tried again whatever becomes of that."""
    with suppress(OSError):  # standard error may be a file on the disk that is full
        say(f"{error}\nit is tried again every {_LONGEST_WAIT_S:g} s")
    with suppress(VisionError, OSError):
        tell(f"mend this, which is tried again every {_LONGEST_WAIT_S:g} s: {error}")
