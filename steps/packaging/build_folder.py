"""The folder of a build: what the image is made from, and the secrets of the package index.

It goes when the build ends. A build that is killed leaves it, with whatever password is in it, so
the next build removes it. Each holds a lock on a file in its folder, which the kernel lets go with
the process: so a folder of a build that runs is never removed, however long it takes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision.progress import say

_PREFIX = "visionstack-image-"
_LOCK = "building"
# A folder without a lock is just being made, or is one of before there were locks.
_WITHOUT_LOCK_S = 24 * 3600.0


@contextmanager
def build_folder() -> Iterator[Path]:
    """Gives an empty folder that only this user can read, after removing those of dead builds."""
    remove_left()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        starting = Path(name) / f"{_LOCK}.new"
        with starting.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Nobody sees the file before it is locked.
            starting.rename(Path(name) / _LOCK)
            yield Path(name)


def remove_left() -> None:
    """Removes what this user's builds that did not end have left; what cannot go stays."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)
            say(f"removed {folder}, which a build that was killed had left")


def _is_left(folder: Path) -> bool:
    try:
        found = folder.lstat()
        if found.st_uid != os.geteuid() or folder.is_symlink() or not folder.is_dir():
            return False
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return folder.is_dir() and time.time() - found.st_mtime > _WITHOUT_LOCK_S
    except OSError:
        # It is locked: its build runs.
        return False
