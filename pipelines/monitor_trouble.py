"""Tells people what keeps a job from being watched, where no run is there to fail."""

from __future__ import annotations

import sys
from contextlib import suppress

from pipelines.monitor_outcome import tell_verdict
from pipelines.schedule import JobSchedule
from vision.config import JobConfig
from vision.errors import VisionError
from vision.progress import say


def tell_trouble(job: JobConfig, sentence: str) -> None:
    """Tells people that monitoring has a trouble, until the next run that goes well.

    Args:
      job: whose alerts are used.
      sentence: what to do, and about what.
    """
    tell_verdict(job, "error", "; ".join(sentence.splitlines()))


def tell_cut_off(job: JobConfig, schedule: JobSchedule) -> None:
    """Tells people where the run before was cut off, for whoever holds the lock of runs.

    Where the job is watched, its loop does that. At a terminal somebody sees it.
    """
    with suppress(VisionError, OSError):  # it is no reason not to run now
        begun = schedule.find_begun()
        if begun is None or schedule.is_held("forever"):
            return
        sentence = f"see what ended the run of {begun.started:%Y-%m-%d %H:%M} UTC before its time"
        if sys.stdin.isatty():
            say(sentence)
        else:
            tell_trouble(job, sentence)
