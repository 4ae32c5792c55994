"""Stands for docker, podman and buildah: programs that note their calls and do as they are told."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_SCRIPT = """#!/bin/sh
printf '%s\\n' "$*" >> "{calls}"
case "$1" in
  --version) echo "{version}" ;;
  version|info) {probe} ;;
  buildx) {buildx} ;;
  build) {build} ;;
  image|inspect) {inspect} ;;
  save|push)
    case "$*" in *oci-archive*|save*) ;; *) exit 0 ;; esac
    for word; do last=$out; out=$word; [ "$last" = --output ] && target=$word; done
    [ -n "$target" ] || target=$(printf '%s' "$out" | sed 's/^oci-archive://; s/:.*$//')
    cp "{archive}" "$target" ;;
esac
"""


def write_fake_builder(
    folder: Path,
    name: str,
    archive: Path,
    *,
    version: str = "",
    probe: str = "echo 4.3.1",
    buildx: str = "true",
    build: str = "true",
    inspect: str = "exit 125",
) -> Path:
    """Writes the program ``name``; its calls are noted in ``<name>.calls`` beside it.

    Args:
      folder: where; put it first on the path.
      name: docker, podman or buildah.
      archive: what ``save`` and ``push`` copy.
      version: what it says it is; by default its name and a number.
      probe: shell code of the question whether it works.
      buildx: shell code of the question whether docker has that.
      build: shell code of ``build``.
      inspect: shell code of the question about the base.

    Returns:
      The file of its calls.
    """
    folder.mkdir(exist_ok=True)
    calls = folder / f"{name}.calls"
    program = folder / name
    code = _SCRIPT.format(
        calls=calls,
        version=version or f"{name} version 4.3.1",
        probe=probe,
        buildx=buildx,
        build=build,
        inspect=inspect,
        archive=archive,
    )
    program.write_text(code)
    program.chmod(0o755)
    return calls


def write_archive(
    path: Path, layers: Sequence[Mapping[str, bytes]], *, packed: bool = False
) -> str:
    """Writes an OCI archive with these layers and returns the digest of its manifest."""
    blobs: dict[str, bytes] = {}

    def keep(contents: bytes) -> dict[str, object]:
        digest = hashlib.sha256(contents).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = contents
        return {"digest": f"sha256:{digest}", "size": len(contents)}

    kept = []
    for files in layers:
        contents = _tar(files)
        kept.append(keep(gzip.compress(contents, mtime=0) if packed else contents))
    config = keep(json.dumps({"config": {"User": "10001:0"}}).encode())
    manifest = keep(json.dumps({"config": config, "layers": kept}).encode())
    index = json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode()
    path.write_bytes(_tar({"index.json": index, **blobs}))
    return str(manifest["digest"])


def _tar(files: Mapping[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, contents in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return written.getvalue()
