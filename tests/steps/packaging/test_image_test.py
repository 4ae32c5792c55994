"""What is found in an image, without one that runs. Tests of image_test.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from steps.packaging import image_test
from steps.packaging.containers import Tool
from steps.packaging.image import BuiltImage
from steps.packaging.running import Confinement
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.fake_builder import write_archive

pytestmark = pytest.mark.unit

SITE = "opt/visionstack/venv/lib/python3.11/site-packages"
ALIBI = f"{SITE}/alibi_detect-0.13.0.dist-info"
HELD = Confinement(10001, 0, True, True, 256, 2**30, ("/tmp", "/var/lib/visionstack"))


@contextmanager
def running(tool: Tool, tag: str) -> Iterator[SimpleNamespace]:
    """Stands for a container that does all that is asked of it."""
    yield SimpleNamespace(
        memory_bytes=lambda: 1000, confinement=lambda: HELD, stop=lambda within_s: 0
    )


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuiltImage:
    """An image with alibi-detect."""
    write_fake_bundle(tmp_path / "bundle")
    write_archive(tmp_path / "saved.tar", [{f"{ALIBI}/METADATA": b"x", ALIBI: b""}])
    monkeypatch.setattr(image_test, "choose_runner", lambda name: Tool(name, "/bin/podman"))
    monkeypatch.setattr(image_test, "running_image", running)
    monkeypatch.setattr(image_test, "wait_until_ready", lambda image, within_s: 3.5)
    monkeypatch.setattr(image_test, "ask_golden_images", lambda image, bundle: (3, 0.0, 1e-4))
    monkeypatch.setattr(image_test, "ask_bad_images", lambda image: {})
    return BuiltImage("t:1", "sha256:0", 1, "podman", tmp_path / "saved.tar", {})


@pytest.mark.fault
def test_se04_alibi_may_not_be_in_the_image_of_a_bundle_of_scipy(
    built: BuiltImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = image_test.test_image(built, tmp_path / "bundle")
    assert (found.passed, found.forbidden) == (False, (ALIBI,))
    assert found.problems == (f"{ALIBI} must not be in the image",)

    monkeypatch.setattr(image_test, "drift_backend", lambda bundle, manifest: "alibi")
    found = image_test.test_image(built, tmp_path / "bundle")
    assert (found.passed, found.problems, found.n_packages) == (True, (), 1)


@pytest.mark.fault
@pytest.mark.parametrize(("backend", "limit"), [("scipy", 800), ("alibi", 1300)])
def test_the_bundle_decides_how_large_the_image_may_be(
    backend: str, limit: int, built: BuiltImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = SimpleNamespace(files=frozenset(), n_bytes=limit * 1_000_000 + 600_000)
    monkeypatch.setattr(image_test, "read_archive", lambda archive: saved)
    monkeypatch.setattr(image_test, "drift_backend", lambda bundle, manifest: backend)
    found = image_test.test_image(built, tmp_path / "bundle")
    assert found.problems == (f"the image has {limit + 1} MB; with {backend} it may have {limit}",)
