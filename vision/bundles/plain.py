"""Opens plain files and nothing else.

To open a pipe is to wait for whoever writes to it, for ever where nobody does, and to open a device
can do anything. So what lies in the place of a file is looked at before it is opened, and again
afterwards, since it may have been exchanged in between.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

NOT_PLAIN = "it is no plain file"


def open_plain(path: Path, *, follow_links: bool = True) -> BinaryIO:
    """Opens a plain file for reading, and never waits for it.

    Args:
      path: of the file.
      follow_links: whether it may be a symbolic link to one.

    Raises:
      OSError: there is none, or it is a pipe, a socket, a device or a folder.
    """
    _check(path.stat(follow_symlinks=follow_links), path)
    never_follow = 0 if follow_links else os.O_NOFOLLOW
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | never_follow)
    try:
        _check(os.fstat(handle), path)
    except OSError:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def read_plain(path: Path) -> bytes:
    """Returns what a plain file holds.

    Raises:
      OSError: as of :func:`open_plain`.
    """
    with open_plain(path) as file:
        return file.read()


def _check(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, NOT_PLAIN, str(path))
