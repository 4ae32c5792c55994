"""Small files that are replaced in one step, and locks between the processes of a machine.

Whoever reads such a file, at any moment and after any crash or loss of power, sees the old text or
the new one, complete.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Point = Literal["temporary-made", "half-written", "written", "synced", "renamed", "folder-synced"]

_ASK_AGAIN_S = 0.02


def _pass(point: Point) -> None:
    """Nobody is told."""


def replace_file(
    target: Path, text: str, *, is_alone: bool = False, reached: Callable[[Point], None] = _pass
) -> None:
    """Replaces what a file holds.

    Args:
      target: in a folder that exists.
      text: the new contents.
      is_alone: whether the caller holds a lock against all other writers; then what a writer left
        that died is removed.
      reached: is told how far it came, for tests that let the process die there.

    Raises:
      OSError: it cannot be written; the old file is still there.
    """
    # The dot keeps what a crash has left out of every list of files.
    prefix, suffix = f".{target.stem}.", ".tmp"
    if is_alone:
        for left in target.parent.glob(f"{prefix}*{suffix}"):
            left.unlink(missing_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=suffix)
    try:
        try:
            reached("temporary-made")
            _write(handle, text.encode(), reached)
            os.fsync(handle)
        finally:
            os.close(handle)
        reached("synced")
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    reached("renamed")
    sync_folder(target.parent)
    reached("folder-synced")


def sync_folder(path: Path) -> None:
    """Makes what was renamed or removed in a folder survive a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, within_s: float | None = None) -> Iterator[None]:
    """Lets one process at a time go on, and one thread of it; the lock ends with its process.

    Args:
      path: of the lock's own file, which is made and stays.
      within_s: how long to wait; None for as long as it takes.

    Raises:
      TimeoutError: another has held it for so long.
      OSError: the file cannot be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if within_s is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            _wait(handle, path, within_s)
        yield
    finally:
        # The lock ends with the last handle of the file.
        os.close(handle)


def _write(handle: int, data: bytes, reached: Callable[[Point], None]) -> None:
    half = len(data) // 2
    points: tuple[tuple[bytes, Point], ...] = (
        (data[:half], "half-written"),
        (data[half:], "written"),
    )
    for part, point in points:
        while part:
            part = part[os.write(handle, part) :]
        reached(point)


def _wait(handle: int, path: Path, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not _is_taken(handle):
        if time.monotonic() >= deadline:
            raise TimeoutError(f"{path} was locked by another for {within_s:g} s")
        time.sleep(_ASK_AGAIN_S)


def _is_taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
