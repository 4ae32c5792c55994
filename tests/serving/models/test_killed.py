"""What a worker leaves that dies while it changes the served model, and what the next one does."""

from pathlib import Path
from typing import Any

import pytest

from serving.models.fault import FAULT_POINTS
from tests.dying import KILLED, run_dying

pytestmark = [pytest.mark.integration, pytest.mark.fault]

FILES = ["active.json", "active.lock"]


def run(folder: Path, work: str) -> list[dict[str, Any]]:
    return run_dying("tests.serving.models.dying_worker", work, folder)


def test_mu02_killed_at_every_point_of_an_activation(tmp_path: Path) -> None:
    lines = run(tmp_path, "point")
    assert [line["point"] for line in lines] == list(FAULT_POINTS[2:])
    is_renamed = False
    for line in lines:
        before, after, final = line["before"], line["after"], line["final"]
        assert line["status"] == KILLED, line
        is_renamed = is_renamed or line["point"] == "pointer-renamed"
        expected = line["wanted"] if is_renamed else before["version"]
        # The pointer names a complete version, and the service starts with it.
        assert (after["version"], after["detail"]) == (expected, ""), line
        assert after["generation"] == before["generation"] + is_renamed
        # Asking again brings what was asked for, and nothing is left behind.
        assert line["again"]["version"] == final["version"] == line["wanted"]
        assert line["again"]["generation"] == before["generation"] + 1
        assert final["pointer"] == [line["wanted"], before["generation"] + 1]
        assert final["files"] == FILES


def test_mu02_killed_at_any_time(tmp_path: Path) -> None:
    lines = run(tmp_path, "time")
    assert len(lines) == 15
    generation = 0
    for line in lines:
        assert line["detail"] == ""
        assert line["generation"] >= generation
        generation = line["generation"]
        assert line["pointer"] in ([line["version"], generation], None)
    assert generation > 0


def test_mu02_killed_while_a_bundle_is_saved(tmp_path: Path) -> None:
    before, after = run(tmp_path, "saving")
    assert before["status"] == after["status"] == KILLED
    assert sorted(before["listed"]) == ["v1", "v2", "v3"]
    assert sorted(after["listed"]) == ["v1", "v2", "v3", "v4", "v5"]
    assert (before["tag"], after["tag"]) == ("colours:v4", "colours:v5")
    assert (before["then"]["version"], after["then"]["version"]) == ("v4", "v5")


def test_mu05_ten_workers_at_once_are_done_one_after_another(tmp_path: Path) -> None:
    *done, last = run(tmp_path, "once")
    assert len(done) == 10
    by_generation: dict[int, set[str]] = {}
    for line in done:
        by_generation.setdefault(line["generation"], set()).add(line["version"])
    assert sorted(by_generation) == list(range(1, len(by_generation) + 1))
    assert all(len(versions) == 1 for versions in by_generation.values())
    newest = len(by_generation)
    assert last["pointer"] == [by_generation[newest].pop(), newest]
    assert last["files"] == FILES
