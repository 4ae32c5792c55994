"""What an image is called, and what makes it another one. Tests of image_name.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steps.packaging import image_name
from steps.packaging.containers import Tool
from steps.packaging.image_name import image_tag, name_image, recipe
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.fake_builder import write_fake_builder
from vision.bundles.manifest import Manifest
from vision.home import repository

pytestmark = pytest.mark.unit

MODEL = "visionstack:colours-20260101-120000-0badcafe"
BASE = "sha256:" + "7" * 64
BENTO = "d" * 64


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return write_fake_bundle(tmp_path / "bundle")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    """A recipe of our own."""
    found = (tmp_path / "Containerfile", tmp_path / "ready.py")
    for path in found:
        path.write_text("x")
    monkeypatch.setattr(image_name, "recipe", lambda: found)
    return found


def test_the_same_in_the_same_name(manifest: Manifest, files: tuple[Path, ...]) -> None:
    assert image_tag(manifest, BENTO, BASE) == f"{MODEL}-29110cdc"
    for path in files:
        path.touch()
    assert image_tag(manifest, BENTO.upper(), BASE) == f"{MODEL}-29110cdc"


@pytest.mark.fault
def test_bento_base_and_recipe_each_make_another_name(
    manifest: Manifest, files: tuple[Path, ...]
) -> None:
    names = [image_tag(manifest, BENTO, BASE), image_tag(manifest, "e" * 64, BASE)]
    names.append(image_tag(manifest, BENTO, "sha256:" + "8" * 64))
    for path in files:
        path.write_text("mended")
        names.append(image_tag(manifest, BENTO, BASE))
    assert len(set(names)) == 5
    assert {name.rpartition("-")[0] for name in names} == {MODEL}


def test_names_are_as_registries_want_them(manifest: Manifest) -> None:
    shouted = manifest.model_copy(update={"name": "Colours"})
    assert re.fullmatch(rf"{MODEL}-[0-9a-f]{{8}}", image_tag(shouted, BENTO, BASE))


@pytest.mark.fault
def test_a_base_that_was_renewed_is_another_image(manifest: Manifest, tmp_path: Path) -> None:
    names = []
    for digest in ("7" * 64, "8" * 64, "7" * 64):
        said = f'["docker.io/library/python@sha256:{digest}"]'
        write_fake_builder(tmp_path / "bin", "podman", tmp_path, inspect=f"echo '{said}'")
        tool = Tool("podman", str(tmp_path / "bin" / "podman"))
        names.append(name_image(tool, manifest, BENTO, "python:3.11"))
    assert names[0] == names[2] == image_tag(manifest, BENTO, BASE)
    assert names[0] != names[1]


def test_the_recipe_is_what_the_context_has_beside_bento_and_bundle() -> None:
    assert [str(path.relative_to(repository())) for path in recipe()] == [
        "ops/image/Containerfile",
        "ops/image/ready.py",
    ]
