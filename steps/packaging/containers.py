"""Calls docker, podman or buildah, and turns what goes wrong into a sentence.

The three share their words (``build``, ``run``, ``exec``, ``inspect``); a call is a list of
arguments, never a line for a shell. Their settings come from the environment: ``DOCKER_HOST``,
``CONTAINERS_CONF``, ``BUILDAH_ISOLATION``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vision.errors import VisionError

ToolName = Literal["docker", "podman", "buildah"]

_LINES_KEPT = 12


class PackagingError(VisionError):
    """An image cannot be built, saved or started."""


@dataclass(frozen=True)
class Called:
    """What a call that ended has left.

    Attributes:
      code: its exit status.
      output: what it wrote to standard output.
      errors: what it wrote to standard error.
    """

    code: int
    output: str
    errors: str

    @property
    def tail(self) -> str:
        """The last lines of what it said, for a message."""
        said = (self.errors.strip() or self.output.strip()).splitlines()
        return "\n".join(said[-_LINES_KEPT:]) or "it said nothing"


@dataclass(frozen=True)
class Tool:
    """A program that builds or runs images.

    Attributes:
      name: which one it is.
      program: its path.
    """

    name: ToolName
    program: str

    def try_to(
        self,
        *arguments: str,
        timeout_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> Called:
        """Calls it; a failure, a time limit and a program that cannot start are exit statuses."""
        return call([self.program, *arguments], timeout_s, environment)

    def do(
        self,
        *arguments: str,
        next_move: str,
        timeout_s: float = 60.0,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Calls it, and returns what it wrote to standard output, without the line's end.

        Args:
          arguments: without the program.
          next_move: what to do where it fails; the message ends with it.
          timeout_s: how long it may take.
          environment: its whole environment; this process's if None.

        Raises:
          PackagingError: it failed; the message has its name, the call and the end of what it said.
        """
        called = self.try_to(*arguments, timeout_s=timeout_s, environment=environment)
        if called.code:
            raise PackagingError(
                f"{self.name} {arguments[0]} failed with status {called.code}:\n"
                f"{called.tail}\n{next_move}"
            )
        return called.output.strip()


def call(
    command: Sequence[str],
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Called:
    """Runs a program to its end, in ``folder`` if one is given, with nothing to read from."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout_s,
            env=environment,
            cwd=folder,
        )
    except OSError as error:
        return Called(127, "", f"{command[0]} cannot be started: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Called(124, "", f"it had not ended after {timeout_s:.0f} s")
    return Called(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
