"""The file beside a signing key that has its public key.

It is for people and other programs, and may be behind: nothing here trusts it where the signing key
itself can be asked.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from vision import durable
from vision.bundles.plain import open_plain

logger = logging.getLogger("visionstack")

# A key, or what a crash has left of one; a key for SSH or a PEM file is somebody else's.
_OURS = re.compile(r"\s*[A-Za-z0-9+/]{0,43}=?\s*")
_MAX_BYTES = 65_536


def publish_key(path: Path, text: str) -> None:
    """Makes a file hold a public key, durably, unless it is somebody else's.

    Args:
      path: of the file.
      text: the public key as base64.

    Raises:
      OSError: it cannot be written.
    """
    line = f"{text}\n"
    found = _read(path)
    if found == line or (found is not None and not _OURS.fullmatch(found)):
        return
    if os.access(path.parent, os.W_OK):
        durable.replace_file(path, line)
        path.chmod(0o644)
    elif found is not None:
        logger.warning("%s is not the public key that belongs to the signing key; remove it", path)


def _read(path: Path) -> str | None:
    try:
        with open_plain(path) as file:
            return file.read(_MAX_BYTES).decode("latin-1")
    except FileNotFoundError:
        return None
