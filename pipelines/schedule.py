"""When a monitoring job is due, and that it never runs twice at once.

Times are UTC throughout, as everywhere in this project: no hour is skipped or comes twice when the
clocks of a country change, and every scheduler understands an expression alike.

``home()/monitoring/schedules/<job>.json`` keeps up to when the times of a job are dealt with. The
first time that a job is watched, that is now. Times that passed since while nothing ran (the
machine was asleep, the process stopped) are due once, together. Where the clock was put back, the
times since then come again. Where the file cannot be written, the process remembers it and tries
again with each look.

It also keeps when a run was begun, until it has ended: a run that is begun, and that no process
runs, was cut off together with whatever watched it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.errors import VisionError
from vision.home import folder
from vision.monitoring.kept import alone, kept_path, read_kept, write_kept
from vision.progress import say

_KIND = "schedules"


class HeldError(VisionError):
    """Another process does what only one may do at a time."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str
    dealt_with_until: AwareDatetime
    started: AwareDatetime | None = None
    is_repeat: bool = False


def next_after(every: str, moment: datetime) -> datetime:
    """Returns the first time after ``moment`` that a cron expression names, UTC."""
    from croniter import croniter

    found = croniter(every, moment.astimezone(UTC)).get_next(datetime)
    assert isinstance(found, datetime)
    return found


@dataclass(frozen=True)
class BegunRun:
    """A run that was begun and has not ended.

    Attributes:
      started: when it was begun.
      is_repeat: whether it makes up for one that was cut off.
    """

    started: datetime
    is_repeat: bool


@dataclass
class JobSchedule:
    """The schedule of one job of this machine.

    Attributes:
      config: the job's file.
      overrides: ``key=value`` each; the same file with others is another job.
    """

    config: Path
    overrides: Sequence[str] = ()
    _unwritten: _Kept | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What its files are called."""
        said = "\0".join([str(self.config.resolve()), *self.overrides])
        return f"{self.config.stem}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"

    def due_at(self, every: str, now: datetime) -> datetime:
        """Returns when the job is to run next; not after ``now`` where it is due.

        Raises:
          VisionError: what is kept cannot be read.
        """
        kept = self._read()
        if kept is None or kept.dealt_with_until > now:
            # A clock that was ahead must not keep the job from running until then.
            self.note(now)
            return next_after(every, now)
        return next_after(every, kept.dealt_with_until)

    def note(self, now: datetime) -> None:
        """Notes that all times up to ``now`` are dealt with."""
        self._change({"dealt_with_until": now})

    def begin(self, now: datetime, is_repeat: bool | None = None) -> None:
        """Notes that a run begins, which deals with all times up to ``now``.

        Args:
          now: when it begins.
          is_repeat: whether it makes up for one that was cut off; None where another process knows.
        """
        values = {} if is_repeat is None else {"is_repeat": is_repeat}
        self._change({"dealt_with_until": now, "started": now, **values})

    def end(self) -> None:
        """Notes that the run has ended, in whatever way."""
        self._change({"started": None, "is_repeat": False})

    def find_begun(self) -> BegunRun | None:
        """Returns the run that was begun and has not ended, whether or not it is still run.

        Raises:
          VisionError: what is kept cannot be read.
        """
        kept = self._read()
        if kept is None or kept.started is None:
            return None
        return BegunRun(kept.started, kept.is_repeat)

    @contextmanager
    def only_one(self, what: str, doing: str) -> Iterator[None]:
        """Keeps other processes of this machine from doing the same for the same job.

        The kernel lets go of it when the process ends, however that happens.

        Args:
          what: what is done, as part of a file's name.
          doing: the same for people, such as ``is watched``.

        Raises:
          HeldError: another process does it.
          VisionError: the lock cannot be made.
        """
        with self._open_lock(what) as lock:
            if not _is_taken(lock, fcntl.LOCK_EX):
                lock.seek(0)
                process = lock.read().decode().strip() or "unknown"
                raise HeldError(
                    f"{self.config} {doing} already, by process {process}; wait until it has ended"
                )
            with suppress(OSError):  # on a full disk it is a lock all the same
                lock.truncate(0)
                lock.write(str(os.getpid()).encode())
            yield

    def is_held(self, what: str) -> bool:
        """Returns whether a process does now what :meth:`only_one` guards.

        Raises:
          VisionError: the lock cannot be made.
        """
        with self._open_lock(what) as lock:
            return not _is_taken(lock, fcntl.LOCK_SH)

    def _open_lock(self, what: str) -> BinaryIO:
        path = folder(f"monitoring/{_KIND}") / f".{self.name}.{what}.lock"
        try:
            return path.open("a+b", buffering=0)
        except OSError as error:
            raise VisionError(
                f"the lock {path} cannot be made ({error.strerror}); make room there, or set "
                "VISIONSTACK_HOME to a folder that you can write to"
            ) from error

    def _read(self) -> _Kept | None:
        if self._unwritten is not None:
            self._change({})
        return self._unwritten or self._read_file()

    def _read_file(self) -> _Kept | None:
        return read_kept(self._path, _Kept, f"the schedule of {self.config}")

    def _change(self, values: dict[str, Any]) -> None:
        """Changes what is kept, or what is remembered of it until it can be written."""
        kept = self._unwritten
        try:
            with alone(self._path):
                kept = kept or self._read_file()
                if changed := self._changed(kept, values):
                    write_kept(self._path, changed, f"the schedule of {self.config}")
        except (VisionError, OSError) as error:
            if self._unwritten is None:
                with suppress(OSError):  # standard error may be a file on the same disk
                    say(f"{error}\nuntil then this process remembers which times are dealt with")
            self._unwritten = self._changed(kept, values)
        else:
            self._unwritten = None

    def _changed(self, kept: _Kept | None, values: dict[str, Any]) -> _Kept | None:
        if kept is not None:
            return kept.model_copy(update=values)
        if "dealt_with_until" not in values:
            return None
        return _Kept(config=str(self.config.resolve()), **values)

    @property
    def _path(self) -> Path:
        return kept_path(_KIND, self.name)


def _is_taken(lock: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
