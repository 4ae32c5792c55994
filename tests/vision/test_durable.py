"""A file that is replaced is never seen in between, and a lock is one process's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from vision import durable
from vision.durable import locked, replace_file
from vision.home import repository

pytestmark = pytest.mark.unit

POINTS = get_args(durable.Point)
HOLDER = """
import sys
from pathlib import Path
from vision.durable import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "pointer.json"
    path.write_text("old")
    return path


def test_the_new_text_comes_in_one_step(target: Path) -> None:
    seen: list[tuple[str, str]] = []
    replace_file(target, "new", reached=lambda point: seen.append((point, target.read_text())))
    assert [point for point, _ in seen] == list(POINTS)
    assert [text for _, text in seen] == ["old"] * 4 + ["new"] * 2
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.fault
@pytest.mark.parametrize("point", POINTS)
def test_what_fails_leaves_the_old_text_or_the_new_one(target: Path, point: str) -> None:
    def fail(reached: str) -> None:
        if reached == point:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        replace_file(target, "new", reached=fail)
    assert target.read_text() == ("old" if POINTS.index(point) < 4 else "new")
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.fault
def test_a_short_write_is_gone_on_with(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:2]))
    replace_file(target, "a longer text: é")
    assert target.read_text(encoding="utf-8") == "a longer text: é"


def test_what_a_dead_writer_left_is_removed_by_who_is_alone(target: Path) -> None:
    left, other = target.parent / ".pointer.x.tmp", target.parent / ".other.x.tmp"
    left.write_text("half")
    other.write_text("of another file")
    replace_file(target, "new")
    assert left.exists()
    replace_file(target, "newer", is_alone=True)
    assert sorted(target.parent.iterdir()) == [other, target]


def test_a_lock_is_waited_for_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, cwd=repository(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(TimeoutError, match=r"lock was locked by another for 0\.05 s"),
            locked(path, 0.05),
        ):
            pass
        holder.kill()
        with locked(path, 30.0), pytest.raises(TimeoutError), locked(path, 0.0):
            pass
    with locked(path):
        pass
