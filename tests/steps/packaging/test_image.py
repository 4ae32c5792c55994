from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from steps.packaging.containers import PackagingError
from steps.packaging.image import (
    ImageRequest,
    build_command,
    build_image,
    lay_out,
    oci_labels,
)
from steps.packaging.record import read_record, write_record
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.fake_builder import write_archive, write_fake_builder
from vision.bundles.manifest import Lineage, read_manifest
from vision.errors import BundleError

pytestmark = pytest.mark.unit

EPOCH = 315_532_800
TAG = "visionstack:colours-20260101-120000-0badcafe-01234567"


@pytest.fixture
def request_(tmp_path: Path) -> ImageRequest:
    """A bento and a bundle that are complete."""
    bento, bundle = tmp_path / "bento", tmp_path / "bundle"
    write_fake_bundle(bundle)
    for name in ("src/service.py", "src/__pycache__/service.pyc", "apis/openapi.yaml"):
        (bento / name).parent.mkdir(parents=True, exist_ok=True)
        (bento / name).write_text("x")
    for name in ("bento.yaml", "README.md", "env/docker/Dockerfile", "env/python/install.sh"):
        (bento / name).parent.mkdir(parents=True, exist_ok=True)
        (bento / name).write_text("x")
    (bento / "env/python/requirements.txt").write_text("a==1 --hash=sha256:00\n")
    return ImageRequest(bento, bundle, tmp_path / "out" / "image.tar", TAG)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first folder of programs on the path."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_the_context_holds_what_the_containerfile_copies_and_nothing_else(
    request_: ImageRequest, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    lay_out(request_, context, EPOCH)

    files = {str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()}
    bundled = {f"bundle/{name}" for name in read_manifest(request_.bundle).files}
    assert files - bundled == {
        "Containerfile",
        "ready.py",
        "bundle/manifest.json",
        "bento/bento.yaml",
        "bento/README.md",
        "bento/src/service.py",
        "bento/apis/openapi.yaml",
        "bento/env/python/requirements.txt",
    }
    assert {path.stat().st_mtime for path in context.rglob("*")} == {float(EPOCH)}
    modes = {path.name: path.stat().st_mode & 0o777 for path in context.rglob("*")}
    assert (modes["ready.py"], modes["service.py"], modes["src"]) == (0o755, 0o644, 0o755)


def test_labels_say_where_the_model_came_from_and_leave_out_what_is_not_known(
    request_: ImageRequest,
) -> None:
    manifest = read_manifest(request_.bundle)
    lineage = Lineage(git_commit="c" * 40, dataset_revision="v2", tracking_run="abc")

    labels = oci_labels(manifest.model_copy(update={"lineage": lineage}), "python:3.11")

    assert labels == {
        "org.opencontainers.image.title": "visionstack",
        "org.opencontainers.image.description": "Classifies images; bento, bundle and packages.",
        "org.opencontainers.image.version": "colours-20260101-120000-0badcafe",
        "org.opencontainers.image.created": "2026-01-01T12:00:00+00:00",
        "org.opencontainers.image.revision": "c" * 40,
        "org.opencontainers.image.base.name": "python:3.11",
        "visionstack.model.name": "colours",
        "visionstack.model.version": "20260101-120000-0badcafe",
        "visionstack.data.revision": "v2",
        "visionstack.tracking.run": "abc",
        "visionstack.metric.accuracy": "1",
    }
    assert "org.opencontainers.image.revision" not in oci_labels(manifest, "python:3.11")


def test_podman_gets_a_time_and_the_format_that_keeps_the_health_check() -> None:
    words = build_command("podman", Path("/c"), "t:1", "base:1", {"b": "2", "a": "1"}, 7)

    assert words == [
        *("build", "--file", "/c/Containerfile", "--tag", "t:1", "--build-arg", "BASE=base:1"),
        *("--label", "a=1", "--label", "b=2"),
        *("--format", "docker", "--layers", "--timestamp", "7", "/c"),
    ]
    assert "--timestamp" not in build_command("docker", Path("/c"), "t:1", "base:1", {}, 7)


@pytest.mark.parametrize("builder", ["podman", "buildah", "docker"])
def test_an_image_is_built_saved_and_noted(
    builder: str,
    request_: ImageRequest,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = write_archive(tmp_path / "saved.tar", [{"etc/passwd": b"1234"}])
    calls = write_fake_builder(programs, builder, tmp_path / "saved.tar")
    request = replace(request_, builder=builder, labels={"visionstack.model.name": "mine"})  # type: ignore[arg-type]

    built = build_image(request)

    assert (built.tag, built.digest, built.n_bytes, built.builder) == (
        TAG,
        digest,
        1024,
        builder,
    )
    assert built.archive.read_bytes() == (tmp_path / "saved.tar").read_bytes()
    assert sorted(path.name for path in built.archive.parent.iterdir()) == ["image.tar"]
    asides = ("--version", "buildx version")
    lines = [line for line in calls.read_text().splitlines() if line not in asides]
    [asked, build, save, _] = lines
    assert asked.split()[0] in {"info", "version"}
    assert "--label visionstack.model.name=mine " in build
    assert ("--timestamp 315532800" in build) == (builder != "docker")
    assert save.split()[0] == ("push" if builder == "buildah" else "save")
    assert (f":localhost/{TAG}" in save) == (builder == "buildah")

    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    write_record(built, request.bundle)
    assert read_record() == (built, request.bundle)


@pytest.mark.fault
def test_a_build_that_fails_names_builder_output_and_next_move(
    request_: ImageRequest, programs: Path, tmp_path: Path
) -> None:
    write_fake_builder(
        programs, "podman", tmp_path / "none", build="echo 'no such image' >&2; exit 125"
    )

    with pytest.raises(PackagingError) as caught:
        build_image(replace(request_, builder="podman"))

    assert str(caught.value) == (
        "podman build failed with status 125:\nno such image\n"
        "if python:3.11-slim-bookworm could not be found, make it with ops/image/make_base.sh "
        "python:3.11-slim-bookworm; if packages could not be fetched, docs/deployment.md says what "
        "a build needs"
    )
    assert not request_.archive.exists()


@pytest.mark.fault
def test_a_build_removes_what_a_killed_one_left(
    request_: ImageRequest, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    left = tmp_path / "tmp" / "visionstack-image-left"
    (left / "secrets").mkdir(parents=True)
    (left / "secrets" / "pip").write_text("password")
    (left / "building").write_bytes(b"")
    seen = f"ls {tmp_path}/tmp/visionstack-image-*/secrets > {tmp_path}/seen"
    write_archive(tmp_path / "saved.tar", [{"etc/passwd": b"1234"}])
    write_fake_builder(programs, "podman", tmp_path / "saved.tar", build=seen)

    build_image(replace(request_, builder="podman"))

    assert "pip" in (tmp_path / "seen").read_text().split()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.fault
def test_what_was_saved_before_stays_where_saving_fails(
    request_: ImageRequest, programs: Path, tmp_path: Path
) -> None:
    request_.archive.parent.mkdir()
    request_.archive.write_bytes(b"the one before")
    write_fake_builder(programs, "podman", tmp_path / "missing.tar")

    with pytest.raises(PackagingError, match="podman save failed with status 1"):
        build_image(replace(request_, builder="podman"))

    assert request_.archive.read_bytes() == b"the one before"
    assert len(list(request_.archive.parent.iterdir())) == 1


@pytest.mark.fault
@pytest.mark.parametrize("missing", ["bento.yaml", "src", "apis", "env/python/requirements.txt"])
def test_what_is_no_bento_is_refused(
    missing: str, request_: ImageRequest, programs: Path, tmp_path: Path
) -> None:
    calls = write_fake_builder(programs, "podman", tmp_path / "none")
    gone = request_.bento_folder / missing
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()

    with pytest.raises(PackagingError, match=f"it has no {missing}; build it with `bentoml build`"):
        build_image(replace(request_, builder="podman"))
    assert "build" not in calls.read_text()


@pytest.mark.fault
def test_packages_without_hashes_are_refused(
    request_: ImageRequest, programs: Path, tmp_path: Path
) -> None:
    write_fake_builder(programs, "podman", tmp_path / "none")
    (request_.bento_folder / "env/python/requirements.txt").write_text("a==1\n")

    with pytest.raises(PackagingError, match="has no hashes; name requirements/service"):
        build_image(replace(request_, builder="podman"))


@pytest.mark.fault
def test_a_damaged_bundle_is_refused(
    request_: ImageRequest, programs: Path, tmp_path: Path
) -> None:
    write_fake_builder(programs, "podman", tmp_path / "none")
    (request_.bundle / "serving.onnx").write_bytes(b"other")

    with pytest.raises(BundleError, match=r"serving\.onnx was changed"):
        build_image(replace(request_, builder="podman"))


@pytest.mark.fault
def test_without_an_image_the_next_move_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path))
    with pytest.raises(PackagingError, match=r"^no image was built yet; build one: make image$"):
        read_record()
