"""What a promotion or rollback leaves that dies, and what the next one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steps.promotion.journal import FAULT_POINTS
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.fault]

KILLED = 137
# Not passed by a rollback: it puts nothing back. Not by a promotion: it tells no service.
ONLY_PROMOTION = ("restored", "restoring")
ONLY_ROLLBACK = ("rollback-services-told",)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the machine has one: a thousand fsyncs take a minute on a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def run(tmp_path: Path, work: str) -> list[dict[str, Any]]:
    """Runs ``dying_promotion.py`` in a home of its own and returns its lines."""
    environment = os.environ | {
        "VISIONSTACK_HOME": str(tmp_path / "home"),
        "BENTOML_HOME": str(tmp_path / "bentoml"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.steps.promotion.dying_promotion", work],
        cwd=repository(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [line for line in lines if "defect" in line]
    return lines


def check_converged(line: dict[str, Any]) -> None:
    """The same change, asked for again, brings everything to one version and leaves nothing."""
    final = line["final"]
    assert line["again"] == 0, line
    assert line["after"] in (line["before"], line["wanted"]), line
    assert final["champion"] == line["wanted"], line
    assert final["places"] == [line["wanted"]] * 2, line
    assert not final["is_under_way"], line
    assert final["n_left"] == 0, line
    assert final["n_rows"] == final["n_ids"], line


def test_mu02_killed_at_every_point_of_a_deployment(memory: Path) -> None:
    lines = run(memory, "point")
    assert len(lines) >= 5 * len(FAULT_POINTS)
    for line in lines:
        check_converged(line)
        is_passed = not (
            line["point"].endswith(ONLY_PROMOTION)
            if line["action"] == "rollback"
            else line["point"] in ONLY_ROLLBACK
        )
        assert line["status"] == (KILLED if is_passed else 0), line


def test_mu02_killed_at_any_time(memory: Path) -> None:
    lines = run(memory, "time")
    assert len(lines) == 30
    for line in lines:
        check_converged(line)
    assert any(line["status"] < 0 for line in lines)


def test_mu02_killed_again_before_it_was_settled(memory: Path) -> None:
    lines = run(memory, "twice")
    assert len(lines) == 20
    for line in lines:
        check_converged(line)
