"""An image of the service that is really built here: minutes, root, podman and debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps.packaging.bento_now import build_bento_now
from steps.packaging.builder import choose_builder
from steps.packaging.containers import Tool
from steps.packaging.image import BuiltImage, ImageRequest, build_image, forget_image
from tests.fake_bundle import write_fake_bundle
from vision.home import repository

_IMAGES = repository() / "ops" / "image"


@dataclass(frozen=True)
class RealImage:
    """What was built.

    Attributes:
      tool: podman.
      request: what was asked for.
      built: the image.
    """

    tool: Tool
    request: ImageRequest
    built: BuiltImage

    @property
    def bundle(self) -> Path:
        return self.request.bundle


@contextmanager
def real_image(folder: Path) -> Iterator[RealImage]:
    """Builds an image of the code as it is with a small bundle; it is gone after the block."""
    if os.geteuid() or not all(map(shutil.which, ("podman", "debootstrap"))):
        pytest.skip("needs root, podman and debootstrap")
    with pytest.MonkeyPatch.context() as patch:
        # What podman has to know to work inside a container itself; a person's own settings win.
        settings = os.environ.get("CONTAINERS_CONF", str(_IMAGES / "containers.conf"))
        patch.setenv("CONTAINERS_CONF", settings)
        patch.setenv("BENTOML_HOME", str(folder / "bentoml"))
        patch.setenv("VISIONSTACK_HOME", str(folder / "home"))
        subprocess.run([_IMAGES / "make_base.sh"], check=True)
        write_fake_bundle(folder / "bundle")
        shutil.copytree(build_bento_now("requirements/service.txt"), folder / "bento")
        request = ImageRequest(
            folder / "bento",
            folder / "bundle",
            folder / "image.tar",
            "visionstack-soak:test",
            "podman",
        )
        tool = choose_builder("podman").require()
        try:
            yield RealImage(tool, request, build_image(request))
        finally:
            forget_image(tool, request.tag)
