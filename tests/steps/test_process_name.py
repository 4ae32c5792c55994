"""Names of processes: the same while one lives, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from steps import process_name as module
from steps.process_name import process_name

pytestmark = pytest.mark.unit

SLEEPS = [sys.executable, "-c", "input()"]


def test_it_stays_while_the_process_lives_and_ends_with_it() -> None:
    with subprocess.Popen(SLEEPS, stdin=subprocess.PIPE) as process:
        name = process_name(process.pid)
        assert name is not None
        assert name.startswith(f"{process.pid} ")
        assert process_name(process.pid) == name != process_name(os.getpid())
        process.communicate(b"\n")
    assert process_name(process.pid) is None


@pytest.mark.parametrize("has_proc", [True, False])
def test_one_whose_parent_has_not_asked_how_it_ended_lives_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_proc: bool
) -> None:
    if not has_proc:
        monkeypatch.setattr(module, "_BOOT", tmp_path / "not-there")
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert process_name(process.pid) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux has /proc")
def test_a_clock_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = process_name(os.getpid())
    assert before is not None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    pid, ticks, started = before.split()
    assert (pid, started) == (str(os.getpid()), boot)
    # psutil, which was not told of the change, works the same out of ticks and the time of boot.
    seconds = int(ticks) / os.sysconf("SC_CLK_TCK")
    assert psutil.Process().create_time() == pytest.approx(psutil.boot_time() + seconds, abs=1.0)
    monkeypatch.setattr(psutil, "Process", lambda pid: pytest.fail("asked for the time of day"))
    assert process_name(os.getpid()) == before


def test_elsewhere_the_time_of_its_start_tells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_BOOT", tmp_path / "not-there")
    started = psutil.Process().create_time()
    assert process_name(os.getpid()) == f"{os.getpid()} {started}"
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    assert process_name(process.pid) is None
