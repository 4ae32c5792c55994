"""An image that is really built and started here: minutes, root, podman and debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from steps.packaging import image_test
from steps.packaging.bento_now import build_bento_now
from steps.packaging.builder import choose_builder
from steps.packaging.containers import call
from steps.packaging.image import ImageRequest, build_image, forget_image
from tests.fake_bundle import write_fake_bundle
from vision.home import repository

pytestmark = [pytest.mark.soak, pytest.mark.integration]

MAKE_BASE = repository() / "ops" / "image" / "make_base.sh"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What podman has to know to work inside a container itself; a person's own settings win."""
    if os.geteuid() or not all(map(shutil.which, ("podman", "debootstrap"))):
        pytest.skip("needs root, podman and debootstrap")
    if os.environ.get("CONTAINERS_CONF"):
        return Path(os.environ["CONTAINERS_CONF"])
    return repository() / "ops" / "image" / "containers.conf"


def test_an_image_is_built_started_asked_and_stopped(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTAINERS_CONF", str(settings))
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    subprocess.run([MAKE_BASE], check=True)
    write_fake_bundle(tmp_path / "bundle")
    bento = _bento(tmp_path)
    request = ImageRequest(
        bento, tmp_path / "bundle", tmp_path / "image.tar", "visionstack-soak:test", "podman"
    )
    tool = choose_builder("podman").require()
    try:
        built = build_image(request)
        found = image_test.test_image(built, tmp_path / "bundle")

        assert found.problems == ()
        assert found.n_golden == 3
        assert sorted(found.bad_images.values()) == [413, 415, 422, 422]
        assert (found.exit_code, found.confinement.uid) == (0, 10001)
        assert found.stop_s < image_test.STOPS_WITHIN_S

        again = build_image(replace(request, archive=tmp_path / "again.tar"))
        assert again.digest == built.digest

        # It cannot start without its bundle's files, and says so.
        broken = call(
            [tool.program, "run", "--rm", "--env", "VISIONSTACK_BUNDLE=/nope", built.tag], 60.0
        )
        assert broken.code == 1
        assert "there is no such folder; name a bundle" in broken.errors
    finally:
        forget_image(tool, request.tag)


def _bento(tmp_path: Path) -> Path:
    """A bento of the code as it is, in a store of the test's own."""
    copied = tmp_path / "bento"
    shutil.copytree(build_bento_now("requirements/service.txt"), copied)
    return copied
