"""The name of an image: which model, and a digest over what else decides what is in it.

A cluster fetches an image by its name, and does not look again at a name that it has. So what makes
another image makes another name: the code and the packages of the service (the bento), the base and
the recipe. The image before is still there to go back to.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from steps.packaging.base_image import known_base
from steps.packaging.containers import Tool
from vision.bundles.manifest import Manifest
from vision.home import repository

_RECIPE = ("Containerfile", "ready.py")
_DIGITS = 8


def name_image(tool: Tool, manifest: Manifest, bento_digest: str, base: str) -> str:
    """Returns the name of an image that is to be built; the builder fetches a base it has not.

    Args:
      tool: what will build it.
      manifest: of the bundle.
      bento_digest: of the bento's contents.
      base: what the image will stand on.
    """
    return image_tag(manifest, bento_digest, known_base(tool, base))


def image_tag(manifest: Manifest, bento_digest: str, base: str) -> str:
    """Returns the name of an image, without a registry: ``visionstack:NAME-VERSION-DIGEST``.

    Args:
      manifest: of the bundle.
      bento_digest: of the bento's contents.
      base: which one, as :func:`~steps.packaging.base_image.known_base` says.
    """
    digest = hashlib.sha256(f"{bento_digest.lower()}\0{base}\n".encode())
    for path in recipe():
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    name = f"{manifest.name}-{manifest.version}-{digest.hexdigest()[:_DIGITS]}"
    return f"visionstack:{name}".lower()


def recipe() -> tuple[Path, ...]:
    """Returns the files of the repository that an image is made by; all but bento and bundle."""
    return tuple(repository() / "ops" / "image" / name for name in _RECIPE)
