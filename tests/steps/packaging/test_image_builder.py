from __future__ import annotations

from pathlib import Path

import pytest

from steps.packaging.builder import choose_builder, choose_runner
from steps.packaging.containers import PackagingError, Tool, call
from tests.steps.packaging.fake_builder import write_fake_builder

pytestmark = pytest.mark.unit

NO_DAEMON = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, besides what the fakes themselves call."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_auto_takes_the_first_that_answers_and_says_why_not_another(path: Path) -> None:
    write_fake_builder(path, "docker", Path("none"), probe=NO_DAEMON)
    write_fake_builder(path, "podman", Path("none"))
    write_fake_builder(path, "buildah", Path("none"))

    found = choose_builder("auto")

    assert found.require() == Tool("podman", str(path / "podman"))
    assert found.sentence == (
        "podman builds the image (docker: Cannot connect to the Docker daemon)"
    )


@pytest.mark.fault
def test_a_docker_without_buildx_knows_no_secrets_and_is_passed_over(path: Path) -> None:
    unknown = "echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1"
    docker = write_fake_builder(path, "docker", Path("none"), buildx=unknown)
    write_fake_builder(path, "podman", Path("none"))

    found = choose_builder("auto")

    assert found.require().name == "podman"
    assert found.refused == {
        "docker": "it has no buildx; install docker-buildx (docker-buildx-plugin)"
    }
    assert docker.read_text().splitlines()[-1] == "buildx version"


@pytest.mark.fault
@pytest.mark.parametrize("version", ["podman version 4.9.3", "Podman version 5.0.0"])
def test_a_docker_that_is_podman_is_taken_for_podman(version: str, path: Path) -> None:
    docker = write_fake_builder(path, "docker", Path("none"), version=version)
    write_fake_builder(path, "podman", Path("none"))

    found = choose_builder("auto")

    assert found.require() == Tool("podman", str(path / "podman"))
    assert found.sentence == "podman builds the image (docker: it is podman)"
    assert docker.read_text() == "--version\n"
    assert choose_builder("docker").sentence == (
        "no image can be built here (docker: it is podman; set deployment.image.builder: podman); "
        "install podman or docker, or set deployment.image.builder: none"
    )
    with pytest.raises(PackagingError, match=r"of docker is started by docker, .*: it is podman"):
        choose_runner("docker")


def test_where_nothing_builds_every_reason_is_given(path: Path) -> None:
    write_fake_builder(path, "docker", Path("none"), probe=NO_DAEMON)

    found = choose_builder()

    assert found.tool is None
    said = (
        "no image can be built here (docker: Cannot connect to the Docker daemon; "
        "podman: not installed; buildah: not installed); install podman or docker, or set "
        "deployment.image.builder: none"
    )
    with pytest.raises(PackagingError) as caught:
        found.require()
    assert str(caught.value) == found.sentence == said


def test_a_builder_that_is_named_is_the_only_one_that_is_asked(path: Path) -> None:
    docker = write_fake_builder(path, "docker", Path("none"))

    found = choose_builder("buildah")

    assert found.tool is None
    assert found.refused == {"buildah": "not installed"}
    assert not docker.exists()


def test_none_asks_nobody(path: Path) -> None:
    docker = write_fake_builder(path, "docker", Path("none"))

    assert choose_builder("none").sentence == (
        "no image is built: deployment.image.builder is none"
    )
    assert not docker.exists()


def test_podman_starts_what_buildah_built(path: Path) -> None:
    with pytest.raises(PackagingError, match="of buildah is started by podman, which cannot be"):
        choose_runner("buildah")
    write_fake_builder(path, "podman", Path("none"))
    assert choose_runner("buildah").name == "podman"


def test_a_failure_has_the_builder_the_end_of_its_output_and_the_next_move(tmp_path: Path) -> None:
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\nfor n in $(seq 30); do echo line $n >&2; done; exit 125\n")
    program.chmod(0o755)

    with pytest.raises(PackagingError) as caught:
        Tool("podman", str(program)).do("build", ".", next_move="try it by hand")

    lines = str(caught.value).splitlines()
    assert lines[0] == "podman build failed with status 125:"
    assert lines[1:-1] == [f"line {n}" for n in range(19, 31)]
    assert lines[-1] == "try it by hand"


def test_what_cannot_start_or_takes_too_long_is_a_failure_with_a_reason() -> None:
    assert call(["/nowhere/docker"], 1.0).errors == (
        "/nowhere/docker cannot be started: No such file or directory"
    )
    assert call(["/bin/sleep", "5"], 0.05).code == 124
