"""The steps that pack: what they give, when they go on, and when they stop."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import build_image as image_step
from steps.build_bento import build_bento
from steps.build_image import build_image
from steps.packaging import bento, image, image_test
from steps.packaging.builder import Choice
from steps.packaging.containers import PackagingError, Tool
from steps.packaging.image import BuiltImage, ImageRequest
from steps.packaging.record import read_note
from tests.fake_bundle import write_fake_bundle
from vision.bundles.build import Bundle
from vision.bundles.manifest import Manifest
from vision.config.deployment import DeploymentConfig, ImageConfig
from vision.packages import BuiltBento

pytestmark = pytest.mark.unit

TAG = "visionstack:colours-20260101-120000-0badcafe-77777777"
BENTO = BuiltBento(
    tag="visionstack:0123",
    folder=Path("/store/0123"),
    digest="d" * 64,
    n_bytes=2_000_000,
    backend="scipy",
    requirements="requirements/service.txt",
    labels={"commit": "c" * 40},
    differs=("bento.yaml: creation_time",),
)


@pytest.fixture
def bundle(tmp_path: Path, home: Path) -> Bundle:
    return Bundle(tmp_path / "bundle", write_fake_bundle(tmp_path / "bundle"))


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[ImageRequest]:
    """A builder that notes what it is asked for, an image that passes, and a registry."""
    asked: list[ImageRequest] = []

    def name(tool: Tool, manifest: Manifest, digest: str, base: str) -> str:
        assert (tool.name, manifest.name, digest) == ("podman", "colours", BENTO.digest)
        return TAG

    def build(request: ImageRequest) -> BuiltImage:
        asked.append(request)
        labels = dict(request.labels)
        return BuiltImage(
            request.tag, "sha256:1", 775_000_000, "podman", request.archive, labels, "sha256:2"
        )

    choose(monkeypatch, Choice("auto", Tool("podman", "/bin/podman"), {}))
    monkeypatch.setattr(image_step, "name_image", name)
    monkeypatch.setattr(image, "build_image", build)
    monkeypatch.setattr(image_test, "test_image", examined())
    archive = SimpleNamespace(files=["x/site-packages/numpy-1.26.4.dist-info"])
    monkeypatch.setattr(image_step, "read_archive", lambda _: archive)
    monkeypatch.setattr(image_step, "push_image", lambda _, tag, registry: f"{registry}/{tag}")
    return asked


def choose(monkeypatch: pytest.MonkeyPatch, choice: Choice) -> None:
    monkeypatch.setattr(image_step, "choose_builder", lambda _: choice)


def examined(*problems: str) -> Any:
    found = SimpleNamespace(
        passed=not problems, problems=problems, cold_start_s=4.5, to_json=lambda: {"n_golden": 3}
    )
    return lambda built, bundle: found


def test_a_bento_is_built_for_the_bundle(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bento, "build_bento", {bundle.folder: BENTO}.__getitem__)
    assert build_bento.entrypoint(bundle) == BENTO


def test_an_image_is_built_tried_noted_and_pushed(
    bundle: Bundle, requests: list[ImageRequest], home: Path
) -> None:
    found = build_image.entrypoint(BENTO, bundle, ImageConfig(base="b:1", registry="r.org/team"))

    [request] = requests
    assert (request.bento_folder, request.bundle) == (BENTO.folder, bundle.folder)
    assert (request.tag, request.base, request.builder) == (TAG, "b:1", "podman")
    assert request.labels == {
        "visionstack.bento": BENTO.tag,
        "visionstack.bento.digest": BENTO.digest,
        "visionstack.service.commit": "c" * 40,
    }
    assert (found.tag, found.pushed_to) == (TAG, f"r.org/team/{TAG}")
    assert (found.digest, found.base_digest) == ("sha256:1", "sha256:2")
    assert (found.packages, found.test) == ({"numpy": "1.26.4"}, {"n_golden": 3})
    assert found.sentence == (
        f"podman built {TAG}: 775 MB, ready after 4.5 s, pushed to r.org/team/{TAG}"
    )
    note = read_note(home / "images" / f"{TAG.replace(':', '-')}.json")
    assert (note.built.tag, note.bundle, note.passed) == (TAG, bundle.folder, True)


@pytest.mark.fault
def test_without_a_builder_it_goes_on_unless_an_image_is_required(
    bundle: Bundle, requests: list[ImageRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Choice("auto", None, {"docker": "not installed"})
    choose(monkeypatch, none)

    found = build_image.entrypoint(BENTO, bundle, ImageConfig())
    assert (found.sentence, found.tag, requests) == (none.sentence, None, [])

    with pytest.raises(PackagingError, match=r"\nnothing was promoted: an image is required"):
        build_image.entrypoint(BENTO, bundle, ImageConfig(required=True))


@pytest.mark.fault
@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_a_target_that_starts_an_image_stops_before_the_promotion_without_one(
    target: str,
    bundle: Bundle,
    requests: list[ImageRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(monkeypatch, Choice("auto", None, {"docker": "not installed"}))
    config = DeploymentConfig.model_validate({"target": target}).image

    with pytest.raises(PackagingError) as caught:
        build_image.entrypoint(BENTO, bundle, config)

    assert str(caught.value) == (
        "no image can be built here (docker: not installed); install podman or docker, or set "
        "deployment.image.builder: none\nnothing was promoted: an image is required, by "
        "deployment.target (compose or kubernetes) or deployment.image.required"
    )


@pytest.mark.fault
def test_a_builder_that_fails_is_as_none(
    bundle: Bundle, requests: list[ImageRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: ImageRequest) -> BuiltImage:
        raise PackagingError("podman build failed: no such base")

    monkeypatch.setattr(image, "build_image", fail)

    assert build_image.entrypoint(BENTO, bundle, ImageConfig()).sentence == (
        "podman build failed: no such base"
    )
    with pytest.raises(PackagingError, match="no such base\n"):
        build_image.entrypoint(BENTO, bundle, ImageConfig(required=True))


@pytest.mark.fault
def test_an_image_that_fails_its_test_stops_even_where_it_is_not_required(
    bundle: Bundle, requests: list[ImageRequest], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(image_test, "test_image", examined("the service runs as root"))

    with pytest.raises(PackagingError, match="failed its test: the service runs as root\nnothing"):
        build_image.entrypoint(BENTO, bundle, ImageConfig())
    assert read_note().passed is False


@pytest.mark.fault
@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("runc: operation not permitted", "was built, but no container starts here: runc: opera"),
        ("", None),
    ],
)
def test_where_no_container_starts_at_all_the_image_is_not_to_blame(
    bundle: Bundle,
    requests: list[ImageRequest],
    monkeypatch: pytest.MonkeyPatch,
    why: str,
    said: str | None,
) -> None:
    def refuse(built: BuiltImage, folder: Path) -> Any:
        raise PackagingError("podman run failed with status 126")

    tried: list[str] = []

    def start_base(tool: Tool, base: str) -> str:
        tried.append(f"{tool.name} {base}")
        return why

    runner = Tool("podman", "/bin/podman")
    monkeypatch.setattr(image_test, "test_image", refuse)
    monkeypatch.setattr(image_step, "choose_runner", lambda _: runner)
    monkeypatch.setattr(image_step, "why_none_starts", start_base)

    if said is None:
        with pytest.raises(PackagingError, match="status 126"):
            build_image.entrypoint(BENTO, bundle, ImageConfig(base="base:1"))
        assert read_note().passed is False
    else:
        found = build_image.entrypoint(BENTO, bundle, ImageConfig(base="base:1"))
        assert said in found.sentence
        assert found.tag is None
        with pytest.raises(PackagingError, match="an image is required"):
            build_image.entrypoint(BENTO, bundle, ImageConfig(base="base:1", required=True))
        assert read_note().passed is None
    assert set(tried) == {"podman base:1"}
