"""The scripts that make base images say what is missing, and do nothing twice."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = pytest.mark.unit

SCRIPTS = [
    *sorted((repository() / "ops" / "image").glob("*.sh")),
    *sorted((repository() / "ops" / "compose").glob("*.sh")),
]
MAKE_BASE = repository() / "ops" / "image" / "make_base.sh"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only programs there are: what every machine has, and what a test puts here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "mktemp", "rm", "tail"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    write(folder, "id", "echo 0")
    return folder


def write(folder: Path, name: str, code: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{code}\n")
    (folder / name).chmod(0o755)


def make_base(programs: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MAKE_BASE, *words],
        env={"PATH": str(programs), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_started_and_parsed(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = script.read_text(encoding="utf-8").splitlines()[0].split("/")[-1].split()[-1]
    subprocess.run([shell, "-n", script], check=True)


def test_without_a_store_for_images_the_script_says_what_to_install(programs: Path) -> None:
    done = make_base(programs)

    assert done.returncode == 1
    assert done.stderr == (
        "make_base.sh: neither podman nor buildah is here to keep the image in; "
        "apt-get install podman\n"
    )


def test_an_image_that_is_there_is_kept(programs: Path) -> None:
    write(programs, "podman", 'echo "$*" > "$(dirname "$0")/calls" 2>/dev/null; exit 0')

    done = make_base(programs, "mine:1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mine:1 is here already; FORCE=1 makes it anew\n"


def test_somebody_else_than_root_is_refused(programs: Path) -> None:
    write(programs, "podman", "exit 1")
    write(programs, "id", "echo 1000")

    assert make_base(programs).stderr == (
        "make_base.sh: debootstrap makes device files, which only root may; run it as root\n"
    )


def test_without_debootstrap_the_script_says_what_to_install(programs: Path) -> None:
    write(programs, "podman", "exit 1")

    assert make_base(programs).stderr == (
        "make_base.sh: debootstrap is not here; apt-get install debootstrap\n"
    )


def test_a_digest_cannot_be_made(programs: Path) -> None:
    done = make_base(programs, "python@sha256:00")

    assert done.returncode == 2
    assert "python@sha256:00 names a digest" in done.stderr


@pytest.mark.fault
def test_where_debootstrap_fails_its_last_lines_are_shown_and_nothing_stays(
    programs: Path, tmp_path: Path
) -> None:
    write(programs, "podman", "exit 1")
    write(programs, "debootstrap", "echo 'E: cannot reach the mirror'; exit 1")

    done = make_base(programs, TMPDIR=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        "E: cannot reach the mirror\n"
        "make_base.sh: debootstrap failed; MIRROR names another mirror\n"
    )
    assert not list(tmp_path.glob("visionstack-base.*"))
