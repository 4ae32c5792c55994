"""``python -m steps.packaging``: what is built without options, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import steps.packaging.__main__ as command
from steps.packaging.bento import content_digest
from steps.packaging.containers import PackagingError, Tool
from steps.packaging.image import DEFAULT_BASE, BuiltImage
from steps.packaging.image_name import image_tag
from steps.packaging.image_test import ImageTest
from steps.packaging.record import read_note
from steps.packaging.running import Confinement
from steps.packaging.saving import push_image
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.fake_builder import write_archive, write_fake_builder
from vision.bundles.manifest import read_manifest

pytestmark = pytest.mark.unit

TAG = "visionstack:colours-20260101-120000-0badcafe"


def tag(place: Path) -> str:
    """The name of the image, on a base of which nothing is known."""
    manifest = read_manifest(place / "bundle")
    return image_tag(manifest, content_digest(place / "bento"), DEFAULT_BASE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's home without a champion, a bento, a bundle and a podman that always works."""
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    write_archive(tmp_path / "saved.tar", [{"etc/passwd": b"x"}])
    write_fake_builder(tmp_path / "bin", "podman", tmp_path / "saved.tar")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    write_fake_bundle(tmp_path / "bundle")
    for name in ("src/service.py", "apis/openapi.yaml", "bento.yaml", "README.md"):
        (tmp_path / "bento" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "bento" / name).write_text("x")
    requirements = tmp_path / "bento" / "env" / "python" / "requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("a==1 --hash=sha256:00\n")
    return tmp_path


def build(place: Path, *more: str) -> int:
    words = ["build", "--bundle", str(place / "bundle"), "--bento", str(place / "bento")]
    return command.main([*words, "--builder", "podman", *more])


def found(problems: tuple[str, ...]) -> Callable[..., ImageTest]:
    return lambda built, bundle: ImageTest(
        tag=built.tag,
        n_bytes=756_842_059,
        n_packages=94,
        cold_start_s=3.54,
        memory_bytes=247_500_000,
        n_golden=8,
        golden_difference=0.0,
        bad_images={"empty": 422},
        confinement=Confinement(10001, 0, True, True, 256, 2**30, ("/tmp",)),
        stop_s=1.2,
        exit_code=0,
        forbidden=(),
        not_checked=(),
        problems=problems,
    )


def test_build_says_what_was_made_and_test_finds_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(place) == 0
    first, *said = capsys.readouterr().out.splitlines()
    assert (
        first == "licences: 1 packages, none under GPL, AGPL, SSPL or BUSL; licence not known of a"
    )
    assert said[0].startswith(f"{tag(place)}: 0 MB, sha256:")
    assert said[0].endswith(", built by podman")
    assert said[1].startswith(f"saved as {place}/home/images/{tag(place).replace(':', '-')}.tar ")
    assert said[2].endswith("; try it: make image-test")

    monkeypatch.setattr(command, "test_image", found(()))
    assert read_note().passed is None
    assert command.main(["test"]) == 0
    assert read_note().passed is True
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"{tag(place)}: 757 MB, ready after 3.5 s, 248 MB of memory, 8 golden images as stored "
        "within 0, 1 bad images refused, stopped within 1.2 s with 0: passed"
    )


def test_other_code_of_the_service_is_another_image(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(place) == 0
    before = tag(place)
    (place / "bento" / "src" / "service.py").write_text("mended")
    assert build(place) == 0
    assert before != tag(place)
    assert capsys.readouterr().out.splitlines()[5].startswith(f"{tag(place)}: ")
    assert len(list((place / "home" / "images").glob("*.tar"))) == 2


@pytest.mark.fault
def test_a_renewed_base_is_another_image_and_leaves_the_one_before(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for digit in "788":
        said = f'["docker.io/library/python@sha256:{digit * 64}"]'
        inspect = f"echo '{said}'"
        write_fake_builder(place / "bin", "podman", place / "saved.tar", inspect=inspect)
        assert build(place) == 0
    bento = content_digest(place / "bento")
    tags = {
        image_tag(read_manifest(place / "bundle"), bento, f"sha256:{digit * 64}") for digit in "78"
    }
    archives = {path.stem for path in (place / "home" / "images").glob("*.tar")}
    assert archives == {tag.replace(":", "-") for tag in tags}
    assert len(archives) == 2


@pytest.mark.fault
def test_a_test_that_fails_lists_what_is_wrong(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(place)
    monkeypatch.setattr(command, "test_image", found(("the service runs as root",)))

    assert command.main(["test"]) == 1

    printed = capsys.readouterr()
    assert read_note().passed is False
    assert printed.out.endswith(": FAILED\n")
    assert printed.err == "problem: the service runs as root\n"


@pytest.mark.fault
def test_an_image_that_never_gets_ready_has_not_passed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(built: BuiltImage, bundle: Path) -> ImageTest:
        raise PackagingError("not ready within 60 s")

    build(place)
    monkeypatch.setattr(command, "test_image", refuse)
    assert command.main(["test"]) == 1
    assert capsys.readouterr().err == "not ready within 60 s\n"
    assert read_note().passed is False


@pytest.mark.fault
def test_without_a_champion_the_next_move_is_said(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["build"]) == 1
    assert capsys.readouterr().err == (
        "there is no champion to package; run `make demo`, or name a --bundle\n"
    )


def test_an_image_is_pushed_under_the_registrys_name(place: Path) -> None:
    tool = Tool("podman", str(place / "bin" / "podman"))

    assert push_image(tool, TAG, "registry.example.org/team/") == (
        f"registry.example.org/team/{TAG}"
    )
    assert (place / "bin" / "podman.calls").read_text().splitlines()[-2] == (
        f"tag {TAG} registry.example.org/team/{TAG}"
    )


@pytest.mark.fault
def test_a_registry_that_refuses_is_an_error_with_the_next_move(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text('#!/bin/sh\n[ "$1" = tag ] || { echo denied >&2; exit 125; }\n')
    program.chmod(0o755)

    with pytest.raises(PackagingError, match=r"denied\nlog in with `podman login registry\.org`"):
        push_image(Tool("podman", str(program)), TAG, "registry.org/team")
