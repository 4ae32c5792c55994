"""Reads an image that was saved as an OCI archive, without any container tool.

An archive is a tar file with ``index.json`` (which manifest), ``blobs/sha256/<digest>`` (the
manifest, the configuration and the layers, which are tar files themselves, gzipped or not).
Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from steps.packaging.containers import PackagingError

_REMOVED = ".wh."
_EMPTIED = ".wh..wh..opq"


@dataclass(frozen=True)
class SavedImage:
    """What an archive holds.

    Attributes:
      digest: ``sha256:...`` of the manifest, by which registries know the image.
      config: the image's configuration, as JSON.
      n_bytes: of all layers, unpacked, as docker and podman count an image's size.
      files: the paths in the image, without a leading slash; links and folders too.
    """

    digest: str
    config: dict[str, Any]
    n_bytes: int
    files: frozenset[str]


def read_archive(path: Path) -> SavedImage:
    """Reads an OCI archive; every layer is unpacked once, in memory, piece by piece.

    Raises:
      PackagingError: it is none, or holds not exactly one image.
    """
    try:
        with tarfile.open(path) as archive:
            return _read(archive)
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise PackagingError(
            f"{path} is no OCI archive ({error!r}); save the image again"
        ) from error


def _read(archive: tarfile.TarFile) -> SavedImage:
    [entry] = json.loads(_bytes(archive, "index.json"))["manifests"]
    manifest = json.loads(_blob(archive, entry["digest"]))
    n_bytes, files = 0, set[str]()
    for layer in manifest["layers"]:
        n_bytes += _apply(_open(archive, _name(layer["digest"])), files)
    config = json.loads(_blob(archive, manifest["config"]["digest"]))
    return SavedImage(entry["digest"], config, n_bytes, frozenset(files))


def _apply(layer: IO[bytes], files: set[str]) -> int:
    """Adds a layer's paths to those below it, takes away what it removes; returns its bytes."""
    added = set[str]()
    with tarfile.open(fileobj=layer, mode="r|*") as members:
        for member in members:
            path = posixpath.normpath(member.name).lstrip("/")
            folder, name = posixpath.split(path)
            if name == _EMPTIED:
                _remove(files, folder, itself=False)
            elif name.startswith(_REMOVED):
                _remove(files, posixpath.join(folder, name.removeprefix(_REMOVED)), itself=True)
            else:
                added.add(path)
        n_bytes = members.offset
    files |= added
    return n_bytes


def _remove(files: set[str], path: str, *, itself: bool) -> None:
    below = {file for file in files if file.startswith(f"{path}/")}
    files -= below | ({path} if itself else set())


def _blob(archive: tarfile.TarFile, digest: str) -> bytes:
    return _bytes(archive, _name(digest))


def _name(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"blobs/{algorithm}/{value}"


def _bytes(archive: tarfile.TarFile, name: str) -> bytes:
    return _open(archive, name).read()


def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file")
    return found
