"""The systemd units call what exists, are hardened, and catch up on missed times."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import run
from vision.home import repository

UNITS = repository() / "ops" / "systemd"
SERVICE = UNITS / "visionstack-monitor.service"
TIMER = UNITS / "visionstack-monitor.timer"
PYTHON = "/opt/visionstack/.venv/bin/python"


def _read(path: Path) -> list[tuple[str, str, str]]:
    """Returns section, key and value of each line; systemd allows a key several times."""
    found, section = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((section, key, value))
    return found


def _values(path: Path, section: str) -> dict[str, str]:
    return {key: value for part, key, value in _read(path) if part == section}


@pytest.mark.unit
def test_the_service_calls_a_command_and_options_that_exist() -> None:
    interpreter, script, command, *options = _values(SERVICE, "Service")["ExecStart"].split()

    assert interpreter == PYTHON
    assert (repository() / script).is_file()
    known = run.cli.commands[command]
    names = {name for option in known.params for name in option.opts}
    assert isinstance(known, click.Command)
    assert options[0] in names
    assert options[1] == "configs/monitor.yaml"
    assert len(options) == 2


@pytest.mark.unit
@pytest.mark.skipif(
    not (repository() / "configs" / "monitor.yaml").exists(), reason="no configs/monitor.yaml yet"
)
def test_the_timer_runs_when_the_configuration_says() -> None:
    from vision.config.load import load_job

    assert load_job(repository() / "configs" / "monitor.yaml").monitoring.every == "0 3 * * 1"
    assert _values(TIMER, "Timer")["OnCalendar"] == "Mon *-*-* 03:00:00 UTC"


@pytest.mark.unit
def test_missed_times_run_once_and_drift_is_no_failure() -> None:
    assert _values(TIMER, "Timer")["Persistent"] == "true"
    assert _values(TIMER, "Install")["WantedBy"] == "timers.target"
    assert _values(SERVICE, "Service")["SuccessExitStatus"] == str(run.DRIFT)
    assert _values(SERVICE, "Service")["Type"] == "oneshot"


@pytest.mark.unit
def test_a_run_that_hangs_is_ended_and_told() -> None:
    values = _values(SERVICE, "Service")

    assert values["TimeoutStartSec"] == "1d"
    # It is ended by SIGTERM, and what that gives is no success.
    assert str(run.INTERRUPTED) not in values["SuccessExitStatus"].split()
    assert "OnFailure" in _values(SERVICE, "Unit")


@pytest.mark.unit
def test_a_run_that_cannot_tell_anybody_starts_a_unit_that_does() -> None:
    failed = UNITS / _values(SERVICE, "Unit")["OnFailure"]
    assert failed == UNITS / "visionstack-monitor-failed.service"
    command = _values(failed, "Service")["ExecStart"]
    assert "--priority user.alert" in command
    assert f"journalctl -u {SERVICE.stem}" in command


@pytest.mark.unit
@pytest.mark.security
def test_the_service_may_write_only_its_state() -> None:
    values = _values(SERVICE, "Service")
    state = values["ReadWritePaths"]
    places = {
        value.partition("=")[2]
        for _, key, value in _read(SERVICE)
        if key == "Environment" and "/" in value
    }

    assert values["NoNewPrivileges"] == values["ProtectHome"] == values["PrivateTmp"] == "true"
    assert values["ProtectSystem"] == "strict"
    assert values["User"] == "visionstack"
    assert state == f"/var/lib/{values['StateDirectory']}"
    assert all(place == state or place.startswith(f"{state}/") for place in places)


@pytest.mark.integration
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    here = SERVICE.read_text().replace(PYTHON, sys.executable)
    here = here.replace("User=visionstack", f"User={getpass.getuser()}")
    here = here.replace("Group=visionstack", f"Group={grp.getgrgid(os.getgid()).gr_name}")
    (tmp_path / SERVICE.name).write_text(here)
    shutil.copy(TIMER, tmp_path)
    units = [str(tmp_path / SERVICE.name), str(tmp_path / TIMER.name)]

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
