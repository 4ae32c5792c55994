"""When the window of a model version was begun: ``begun.json``, which all workers share.

It holds ``{"generation", "at"}``: the change of the active pointer that the window belongs to (0
where none is followed), and the time. What was predicted before another version was served is old,
so a swap begins window and verdict anew: the worker that is first removes both under the file's
lock, and the others find that it is done. A process that starts goes on with what it finds.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from serving.drift import verdict, window
from serving.drift.places import Key

FILE = "begun.json"
# One length for all, so that writing in place needs no room on the disk.
_N_BYTES = 120


@dataclass(frozen=True)
class Followed:
    """The model version that is served.

    Attributes:
      key: its name and version.
      bundle: its folder.
      generation: which change of the active pointer brought it; 0 where none did.
      other_since: since when this worker had followed another version just before; None where it
        had followed none since it started.
      since: when this worker turned to it, seconds since 1970.
    """

    key: Key
    bundle: Path
    generation: int = 0
    other_since: float | None = None
    since: float = field(default_factory=time.time)

    def is_as(self, before: Followed) -> bool:
        """Tells whether nothing was changed since ``before``."""
        names = ("key", "bundle", "generation")
        return all(getattr(self, name) == getattr(before, name) for name in names)


class Begun(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generation: int
    at: float


class Beginning:
    """The file of one model version, as one worker sees it.

    Args:
      folder: of the version's window and verdict.
      followed: the version, and how it came to be served.
    """

    def __init__(self, folder: Path, followed: Followed) -> None:
        self._folder = folder
        self._followed = followed
        self._seen: Begun | None = None

    def look(self) -> float:
        """Returns when the window was begun, and begins it anew first where that is due.

        Raises:
          OSError: the folder cannot be written.
        """
        found = self._peek()
        if found is None or found != self._seen:
            found = self._take()
        self._seen = found
        return found.at

    def _peek(self) -> Begun | None:
        try:
            return _parsed((self._folder / FILE).read_bytes())
        except FileNotFoundError:
            return None

    def _take(self) -> Begun:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            found = _parsed(os.pread(handle, _N_BYTES, 0))
            if found is None or self._is_over(found):
                for name in (window.FILE, verdict.FILE):
                    (self._folder / name).unlink(missing_ok=True)
                found = Begun(generation=self._followed.generation, at=time.time())
                os.pwrite(handle, found.model_dump_json().ljust(_N_BYTES).encode(), 0)
                os.ftruncate(handle, _N_BYTES)
            return found
        finally:
            os.close(handle)

    def _is_over(self, found: Begun) -> bool:
        """Tells whether another version was served since the window was begun."""
        if self._seen is not None:  # another worker has begun it anew
            return False
        if found.generation != self._followed.generation:
            return True
        # Where champions are followed, only the times say whether another worker was first.
        other_since = self._followed.other_since
        return not found.generation and other_since is not None and found.at < other_since


def _parsed(data: bytes) -> Begun | None:
    try:
        return Begun.model_validate_json(data)
    except ValidationError:
        return None
