"""Opens a file of a dataset so that what is read is what was judged.

Between the scan that judged a path and the reading of it, the path may have become a pipe, or a
link to any file of the machine. So the opened file itself is judged, not its name.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from vision.datasets.bounds import Bounds


def open_inside(path: Path, bounds: Bounds) -> int:
    """Returns the descriptor of a regular file whose real place is within ``bounds``.

    Args:
      path: may be a link that stays within them.
      bounds: where files of the dataset may lie.

    Raises:
      OSError: it cannot be opened, or is no such file.
    """
    # Without O_NONBLOCK, opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _judge(descriptor, path, bounds)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _judge(descriptor: int, path: Path, bounds: Bounds) -> None:
    opened = os.fstat(descriptor)
    if not stat.S_ISREG(opened.st_mode):
        raise OSError(errno.EINVAL, "no regular file any more")
    real = path.resolve(strict=True)
    # The path may change again at any time: only the very file that was opened counts.
    if not bounds.hold(real) or not os.path.samestat(opened, real.lstat()):
        raise OSError(errno.EPERM, "replaced by something outside the dataset while it was read")
