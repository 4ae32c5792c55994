"""A job whose file may change while it is watched."""

from __future__ import annotations

from collections.abc import Callable

from vision.config import JobConfig
from vision.errors import VisionError
from vision.progress import say


class WatchedJob:
    """The job as its file has it now, or as it was when the file could last be used.

    Args:
      read: reads the file anew; raises VisionError where it cannot be used.

    Attributes:
      last: what was read last and could be used.

    Raises:
      VisionError: the file cannot be used to begin with.
    """

    def __init__(self, read: Callable[[], JobConfig]) -> None:
        self._read = read
        self._problem = ""
        self.last = read()

    def now(self) -> JobConfig:
        """Reads the file again; says once what is wrong with it."""
        try:
            self.last, problem = self._read(), ""
        except VisionError as error:
            problem = str(error)
            if problem != self._problem:
                say(f"{problem}\nuntil that is mended, the times and alerts are those of before")
        self._problem = problem
        return self.last

    def every(self) -> str:
        """Returns the times of the job as the file has them now."""
        every = self.now().monitoring.every
        assert every is not None  # the reader sees to it
        return every
