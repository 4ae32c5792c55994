"""What a build needs and what a killed one leaves. Tests of build_folder.py."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from steps.packaging.build_folder import build_folder, remove_left
from vision.home import repository

pytestmark = pytest.mark.unit

KILLED = """
import os, signal
from steps.packaging.build_folder import build_folder
with build_folder() as folder:
    (folder / "secrets").mkdir()
    (folder / "secrets" / "pip").write_text("password")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def kill_a_build() -> Path:
    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=repository(), stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == -signal.SIGKILL
    return Path(done.stdout.strip())


def test_the_folder_is_private_and_goes_with_the_build(temporary: Path) -> None:
    with build_folder() as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("visionstack-image-")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in folder.iterdir()] == ["building"]
    assert list(temporary.iterdir()) == []


def test_it_goes_with_a_build_that_fails(temporary: Path) -> None:
    def fail() -> None:
        with build_folder() as folder:
            (folder / "secrets").mkdir()
            raise OSError

    with pytest.raises(OSError, match=r"^$"):
        fail()
    assert list(temporary.iterdir()) == []


@pytest.mark.fault
def test_what_a_killed_build_left_goes_with_the_next(
    temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = kill_a_build()
    assert (left / "secrets" / "pip").read_text() == "password"
    with build_folder() as folder:
        assert list(temporary.iterdir()) == [folder]
    assert capsys.readouterr().err == (f"removed {left}, which a build that was killed had left\n")


@pytest.mark.fault
def test_a_build_that_runs_keeps_its_folder_however_old(temporary: Path) -> None:
    with build_folder() as first:
        (first / "context").mkdir()
        os.utime(first, (0, 0))
        with build_folder() as second:
            assert sorted(temporary.iterdir()) == sorted([first, second])
        assert (first / "context").is_dir()


@pytest.mark.parametrize(("age_s", "stays"), [(60, True), (23 * 3600, True), (25 * 3600, False)])
def test_without_a_lock_a_folder_goes_after_a_day(
    age_s: float, stays: bool, temporary: Path
) -> None:
    folder = temporary / "visionstack-image-before"
    (folder / "secrets").mkdir(parents=True)
    then = time.time() - age_s
    os.utime(folder, (then, then))
    remove_left()
    assert folder.exists() == stays


@pytest.mark.security
def test_what_is_not_ours_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link is not followed, and folders of other users and other programs are left alone."""
    (temporary / "mine").mkdir()
    (temporary / "mine" / "building").write_bytes(b"")
    (temporary / "visionstack-image-link").symlink_to(temporary / "mine")
    (temporary / "visionstack-image-file").write_bytes(b"x")
    remove_left()
    assert (temporary / "mine" / "building").exists()
    assert (temporary / "visionstack-image-file").exists()

    theirs = temporary / "visionstack-image-theirs"
    theirs.mkdir()
    (theirs / "building").write_bytes(b"")
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    remove_left()
    assert theirs.exists()
    monkeypatch.undo()
