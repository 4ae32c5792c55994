"""What a bundle must not hold, told before any of its files is opened by a library.

The service never opens a pickle, an HDF5 model or a Lambda layer; a bundle that carries one was
not made by this project, so all of it is refused.
"""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from serving.models.state import ModelRefused
from vision.bundles.manifest import MEND, Manifest
from vision.bundles.plain import open_plain

_SUFFIXES = frozenset({".dill", ".h5", ".hdf5", ".joblib", ".pkl", ".pickle", ".pt", ".pth"})
# Protocols 2 to 5 begin with the opcode PROTO and its number.
_BEGINNINGS = {
    **{bytes([0x80, protocol]): "a pickle" for protocol in range(2, 6)},
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
}
_KERAS_CONFIG = "config.json"


def screen_bundle(folder: Path, manifest: Manifest) -> None:
    """Refuses what cannot belong to a bundle, whatever the manifest says about it.

    Raises:
      ModelRefused: ``forbidden`` a pickle, an HDF5 file, a Lambda layer; ``files`` a pipe or a
        device where a file should be.
    """
    for name in manifest.files:
        path = folder / name
        if path.is_symlink() or not path.exists():
            # Refused with its name when the checksums are verified.
            continue
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ModelRefused("files", f"{folder}: {name} is no plain file; {MEND}")
        if found := _forbidden(path):
            raise ModelRefused(
                "forbidden", f"{folder}: {name} is {found}, which a bundle never holds; {MEND}"
            )


def _forbidden(path: Path) -> str:
    """Returns what is forbidden about a file, or nothing."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in _SUFFIXES:
        return f"a {suffix} file"
    with open_plain(path) as file:
        beginning = file.read(8)
    for begins, kind in _BEGINNINGS.items():
        if beginning.startswith(begins):
            return kind
    return "a Keras model with a Lambda layer" if _has_lambda(path) else ""


def _has_lambda(path: Path) -> bool:
    if path.suffix.lower() != ".keras" or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _names_lambda(json.loads(archive.read(_KERAS_CONFIG)))
    except (KeyError, RecursionError, ValueError, zipfile.BadZipFile):
        return False


def _names_lambda(config: Any) -> bool:
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if part.get("class_name") == "Lambda":
                return True
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return False
