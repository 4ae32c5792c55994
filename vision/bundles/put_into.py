"""Puts a file into a complete bundle, which holds nothing else at any moment.

A bundle with one file too many is refused by whoever loads it. So what is not complete yet lies
beside the bundle, where a process that is killed leaves it without harm.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from vision import durable
from vision.bundles.manifest import MANIFEST_FILE

# The folder above is another file system, or somebody else's.
_NOT_BESIDE = frozenset({errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS})


def put_into(bundle: Path, name: str, text: str) -> Path:
    """Writes a file of a bundle, or replaces it, and returns its path; it survives a loss of power.

    Where nothing can be written beside the bundle, the file is replaced in its own place: a crash
    there leaves a part of it, or none, until it is written again.

    Args:
      bundle: the folder.
      name: of the file.
      text: its contents; whoever may read the manifest may read it.

    Raises:
      OSError: it cannot be written.
    """
    target = bundle / name
    mode = stat.S_IMODE((bundle / MANIFEST_FILE).stat().st_mode)
    try:
        _from_beside(target, text, mode)
    except OSError as error:
        if error.errno not in _NOT_BESIDE:
            raise
        _in_place(target, text, mode)
    durable.sync_folder(bundle)
    return target


def _from_beside(target: Path, text: str, mode: int) -> None:
    beside = target.parent.resolve().parent
    with tempfile.TemporaryDirectory(dir=beside, prefix=".signing-") as made:
        written = Path(made) / target.name
        durable.replace_file(written, text)
        written.chmod(mode)
        written.replace(target)


def _in_place(target: Path, text: str, mode: int) -> None:
    target.unlink(missing_ok=True)
    # Exclusively, so that nothing that comes into its place meanwhile is opened.
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    target.chmod(mode)
