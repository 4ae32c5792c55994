"""Tells people where monitoring itself fails: silence would look like a model without drift."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from vision.config import JobConfig
from vision.errors import VisionError
from vision.monitoring.alerts.changes import tell_change
from vision.monitoring.state import MONITORING, RETRAINING, name_job, read_states
from vision.progress import say

_WENT_WELL = (0, 4)
_INTERRUPTED = 130
_ABOUT_NO_VERSION = (MONITORING, RETRAINING)


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
      code: its exit code; failed, unless something else is said.
    """

    code: int = 1


@contextmanager
def telling_outcome(job: JobConfig, config: Path) -> Iterator[Outcome]:
    """Tells people about the run inside the block where it fails, or goes well again.

    Whoever starts a run at a terminal sees that it failed, and whoever interrupts one knows. Where
    single versions could not be checked, the run has told so itself.
    """
    outcome, since = Outcome(), datetime.now(UTC)
    try:
        yield outcome
    except KeyboardInterrupt:
        outcome.code = _INTERRUPTED
        raise
    finally:
        is_seen = outcome.code not in _WENT_WELL and (
            sys.stdin.isatty() or _has_found_errors(job, since)
        )
        if outcome.code != _INTERRUPTED and not is_seen:
            tell_outcome(job, config, outcome.code)


def tell_failure(job: JobConfig, config: Path, code: int, since: datetime) -> None:
    """Tells people about a run of another process that failed, unless it told so itself.

    Args:
      job: whose alerts are used: the run may have failed because it could not read its own.
      config: its file.
      code: the exit code of the run, negative where a signal ended it.
      since: when the run began.
    """
    if code not in (*_WENT_WELL, _INTERRUPTED) and not _has_found_errors(job, since):
        tell_outcome(job, config, code)


def _has_found_errors(job: JobConfig, since: datetime) -> bool:
    """Returns whether the run itself noted a version that could not be checked, and told so."""
    try:
        states = read_states(job.model.name, name_job(job.monitoring))
    except VisionError:
        return False
    return any(
        state.seen == "error" and state.seen_at >= since
        for version, state in states.items()
        if version not in _ABOUT_NO_VERSION
    )


def tell_outcome(job: JobConfig, config: Path, code: int) -> None:
    """Tells people about a run that failed, or the first that went well again; never raises."""
    if code in _WENT_WELL:
        tell_verdict(job, "ok")
    else:
        tell_verdict(job, "error", f"run it by hand: python run.py monitor --config {config}")


def tell_verdict(job: JobConfig, verdict: Literal["ok", "error"], next_move: str = "") -> None:
    """Tells people how it is about monitoring itself, where that is news.

    Args:
      job: whose alerts are used.
      verdict: whether the job is watched as it should be.
      next_move: what to do where it is not.
    """
    found = {
        "model": job.model.name,
        "job": name_job(job.monitoring),
        "version": MONITORING,
        "verdict": verdict,
        "next_move": next_move,
    }
    told = tell_change(found, job.monitoring.alerts, os.environ)
    for delivery in told.deliveries if told else ():
        if delivery.kind != "log":
            say(delivery.sentence)
