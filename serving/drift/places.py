"""Where the drift check of a model version keeps its files, and which worker does its work.

``home()/logs/service/drift/<name>/<version>/`` holds ``window.rows``, ``verdict.json``,
``begun.json`` and ``elected.lock``. Every worker of this machine that serves the version shares
them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from vision.listing import list_paths

KEPT_VERSIONS = 5
Key = tuple[str, str]


def place_of(root: Path, key: Key) -> Path:
    """Returns the folder of a model version; it may not exist yet.

    Args:
      root: of all versions.
      key: name and version.
    """
    name, version = (f"_{part}" if not part.strip(".") else part for part in key)
    return root / name / version


def remove_old(root: Path, kept: Path) -> tuple[Path, ...]:
    """Removes the versions that were not served for the longest time; the newest few stay.

    Args:
      root: of all versions.
      kept: is not removed, whatever its age.

    Returns:
      What was removed.
    """
    places = [path for path in list_paths(root, "*/*") if path.is_dir()]
    found = sorted(places, key=_age, reverse=True)
    old = tuple(path for path in found[KEPT_VERSIONS:] if path != kept)
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return old


def _age(path: Path) -> float:
    """Returns when something in a folder was last written."""
    times = [0.0]
    for each in list_paths(path, "*"):
        try:
            times.append(each.stat().st_mtime)
        except OSError:
            continue  # it was removed just now
    return max(times)


class Election:
    """Whether this worker is the one that has the detectors run; at most one is, at any time.

    The lock is the kernel's: it is free again as soon as the worker that had it is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "elected.lock"
        self._handle: int | None = None

    def is_won(self) -> bool:
        """Returns whether this worker is elected, and stands for it if nobody is.

        Raises:
          OSError: the lock's file cannot be made.
        """
        if self._handle is not None:
            if self._is_there(self._handle):
                return True
            self.leave()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def leave(self) -> None:
        """Lets another worker be elected."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _is_there(self, handle: int) -> bool:
        # Where somebody removed the folder, another worker locks a new file.
        try:
            return os.path.samestat(self._path.stat(), os.fstat(handle))
        except OSError:
            return False
