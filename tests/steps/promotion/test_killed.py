"""What a promotion or rollback leaves that dies, and what the next one does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steps.promotion.journal import FAULT_POINTS
from tests.dying import KILLED, run_dying

pytestmark = [pytest.mark.integration, pytest.mark.fault]

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


def run(folder: Path, work: str) -> list[dict[str, Any]]:
    return run_dying("tests.steps.promotion.dying_promotion", work, folder)


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
