"""Whether the files of a bundle are still what its manifest says.

A folder that differs from its manifest in any way is refused as a whole.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vision.bundles.manifest import MANIFEST_FILE, MEND, FileEntry, Manifest
from vision.bundles.plain import open_plain
from vision.bundles.signature import SIGNATURE_FILE
from vision.errors import BundleError

_CHUNK_BYTES = 1 << 20
_UNLISTED = frozenset({MANIFEST_FILE, SIGNATURE_FILE})


def list_files(folder: Path) -> dict[str, FileEntry]:
    """Returns checksum and size of every file below ``folder``, sorted by path.

    The manifest and its signature are left out.

    Raises:
      BundleError: there is a symbolic link or anything else that is not a plain file.
    """
    paths = sorted(path for path in _walk(folder) if path not in _UNLISTED)
    return {path: hash_file(folder / path) for path in paths}


def hash_file(path: Path) -> FileEntry:
    """Returns checksum and size of one file, read in pieces of 1 MiB.

    Raises:
      OSError: it cannot be read, or is no plain file.
    """
    digest, n_bytes = hashlib.sha256(), 0
    with open_plain(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            n_bytes += len(chunk)
    return FileEntry(sha256=digest.hexdigest(), n_bytes=n_bytes)


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Checks that the folder holds exactly the files of its manifest, byte for byte.

    A signature may be there; whose it is, :func:`vision.bundles.signature.verify_bundle` says.

    Raises:
      BundleError: a file is missing, changed, not in the manifest, or no plain one; the message
        names the file and, for a changed one, expected and found size and sha256.
      OSError: a file cannot be read.
    """
    present = set(_walk(folder)) - _UNLISTED
    for path in sorted(set(manifest.files) - present):
        raise BundleError(f"{folder}: {path} is missing; {MEND}")
    for path in sorted(present - set(manifest.files)):
        raise BundleError(
            f"{folder}: {path} is not in the manifest; remove the file if it was put there by hand"
        )
    for path, expected in manifest.files.items():
        found = hash_file(folder / path)
        if found != expected:
            raise BundleError(
                f"{folder}: {path} was changed: expected {expected.n_bytes} bytes with sha256 "
                f"{expected.sha256}, found {found.n_bytes} bytes with sha256 {found.sha256}; "
                f"{MEND}"
            )


def _walk(folder: Path) -> Iterator[str]:
    """Yields the relative paths of all plain files, refusing whatever is not one."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            relative = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise BundleError(
                    f"{folder}: {relative} is a symbolic link, a bundle holds plain files only; "
                    "copy the bundle with its links followed"
                )
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                raise BundleError(
                    f"{folder}: {relative} is no plain file, but a pipe, socket or device; {MEND}"
                )
            yield relative
