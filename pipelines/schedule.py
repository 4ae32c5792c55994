"""When a monitoring job is due, and that it never runs twice at once.

Times are UTC throughout, as everywhere in this project: no hour is skipped or comes twice when the
clocks of a country change, and every scheduler understands an expression alike.

``home()/monitoring/schedules/<job>.json`` keeps up to when the times of a job are dealt with. The
first time that a job is watched, that is now. Times that passed since while nothing ran (the
machine was asleep, the process stopped) are due once, together. Where the clock was put back, the
times since then come again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.errors import VisionError
from vision.home import folder
from vision.monitoring.kept import alone, kept_path, read_kept, write_kept

_KIND = "schedules"


class HeldError(VisionError):
    """Another process does what only one may do at a time."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str
    dealt_with_until: AwareDatetime


def next_after(every: str, moment: datetime) -> datetime:
    """Returns the first time after ``moment`` that a cron expression names, UTC."""
    from croniter import croniter

    found = croniter(every, moment.astimezone(UTC)).get_next(datetime)
    assert isinstance(found, datetime)
    return found


@dataclass(frozen=True)
class JobSchedule:
    """The schedule of one job of this machine.

    Attributes:
      config: the job's file.
      overrides: ``key=value`` each; the same file with others is another job.
    """

    config: Path
    overrides: Sequence[str] = ()

    @property
    def name(self) -> str:
        """What its files are called."""
        said = "\0".join([str(self.config.resolve()), *self.overrides])
        return f"{self.config.stem}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"

    def due_at(self, every: str, now: datetime) -> datetime:
        """Returns when the job is to run next; not after ``now`` where it is due.

        Raises:
          VisionError: what is kept cannot be read or written.
        """
        kept = read_kept(self._path, _Kept, f"the schedule of {self.config}")
        if kept is None or kept.dealt_with_until > now:
            # A clock that was ahead must not keep the job from running until then.
            self.note(now)
            return next_after(every, now)
        return next_after(every, kept.dealt_with_until)

    def note(self, now: datetime) -> None:
        """Notes that all times up to ``now`` are dealt with.

        Raises:
          VisionError: it cannot be written.
        """
        with alone(self._path):
            values = _Kept(config=str(self.config.resolve()), dealt_with_until=now)
            write_kept(self._path, values, f"the schedule of {self.config}")

    @contextmanager
    def only_one(self, what: str, doing: str) -> Iterator[None]:
        """Keeps other processes of this machine from doing the same for the same job.

        The kernel lets go of it when the process ends, however that happens.

        Args:
          what: what is done, as part of a file's name.
          doing: the same for people, such as ``is watched``.

        Raises:
          HeldError: another process does it.
          VisionError: the folder of the locks cannot be made.
        """
        place = folder(f"monitoring/{_KIND}")
        with (place / f".{self.name}.{what}.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                process = lock.read().strip() or "unknown"
                raise HeldError(
                    f"{self.config} {doing} already, by process {process}; wait until it has ended"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def is_held(self, what: str) -> bool:
        """Returns whether a process does now what :meth:`only_one` guards.

        Raises:
          VisionError: the folder of the locks cannot be made.
        """
        try:
            with self.only_one(what, ""):
                return False
        except HeldError:
            return True

    @property
    def _path(self) -> Path:
        return kept_path(_KIND, self.name)
