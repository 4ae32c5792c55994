"""Saves an image as an OCI archive: one file that carries it to a machine without a registry."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from steps.packaging.containers import PackagingError, Tool, call

_SAVED_WITHIN_S = 600.0
_NEXT_MOVE = "make room on the disk, or name another folder for the archive"


def save_archive(tool: Tool, tag: str, archive: Path) -> None:
    """Writes the image to ``archive``; a file of that name is replaced at the end, or kept.

    Raises:
      PackagingError: it cannot be written, or not in that format.
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(f".{archive.name}.part")
    partial.unlink(missing_ok=True)
    try:
        if tool.name == "podman":
            words = ["save", "--quiet", "--format", "oci-archive", "--output", str(partial), tag]
        elif tool.name == "buildah":
            # podman writes this name, too; a cluster that imports the archive knows it by no other.
            name = tag if "/" in tag else f"localhost/{tag}"
            words = ["push", "--quiet", tag, f"oci-archive:{partial}:{name}"]
        else:
            words = ["save", "--output", str(partial), tag]
        tool.do(*words, next_move=_NEXT_MOVE, timeout_s=_SAVED_WITHIN_S)
        if tool.name == "docker" and not _is_oci(partial):
            _convert(partial, tag)
        partial.replace(archive)
    finally:
        partial.unlink(missing_ok=True)


def _is_oci(path: Path) -> bool:
    """Tells whether docker wrote an OCI layout, as it does from version 25 on."""
    with tarfile.open(path) as archive:
        return "index.json" in archive.getnames()


def _convert(path: Path, tag: str) -> None:
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        raise PackagingError(
            "this docker saves its own format only; install skopeo, which turns it into an OCI "
            "archive, or docker 25 or later"
        )
    converted = path.with_name(f"{path.name}.oci")
    # A cluster that imports it takes this for the plain name.
    name = tag if "/" in tag else f"docker.io/library/{tag}"
    called = call(
        [skopeo, "copy", "--quiet", f"docker-archive:{path}", f"oci-archive:{converted}:{name}"],
        _SAVED_WITHIN_S,
    )
    if called.code:
        converted.unlink(missing_ok=True)
        raise PackagingError(
            f"skopeo failed with status {called.code}:\n{called.tail}\n{_NEXT_MOVE}"
        )
    converted.replace(path)


def push_image(tool: Tool, tag: str, registry: str) -> str:
    """Sends the image to a registry that the builder is logged in to, and returns its name there.

    Raises:
      PackagingError: the registry does not take it.
    """
    name = f"{registry.rstrip('/')}/{tag.removeprefix('localhost/')}"
    next_move = (
        f"log in with `{tool.name} login {registry.partition('/')[0]}`, or leave "
        "deployment.image.registry out; the image is here all the same"
    )
    tool.do("tag", tag, name, next_move=next_move)
    tool.do("push", name, next_move=next_move, timeout_s=_SAVED_WITHIN_S)
    return name
