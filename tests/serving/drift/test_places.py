"""The folders of the model versions, and which worker is elected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.drift.places import Election, place_of, remove_old
from tests.vanishing import vanish_when_listed
from vision.home import repository

pytestmark = pytest.mark.unit

HOLDS = """
import sys
from pathlib import Path
from serving.drift.places import Election
election = Election(Path(sys.argv[1]))
print(election.is_won(), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("digits", "20260101-120000-0badcafe"), "digits/20260101-120000-0badcafe"),
        (("..", "."), "_../_."),
        (("...", "a..b"), "_.../a..b"),
    ],
)
def test_no_name_leads_out_of_the_folder(
    tmp_path: Path, key: tuple[str, str], expected: str
) -> None:
    assert place_of(tmp_path, key) == tmp_path / expected
    assert place_of(tmp_path, key).resolve().is_relative_to(tmp_path)


def test_the_newest_five_versions_stay_and_the_one_that_is_served(tmp_path: Path) -> None:
    for age in range(8):
        folder = place_of(tmp_path, (f"m{age % 2}", f"v{age}"))
        folder.mkdir(parents=True)
        (folder / "window.rows").write_bytes(b"x")
        os.utime(folder / "window.rows", (1_000_000 - age, 1_000_000 - age))
    served = place_of(tmp_path, ("m1", "v7"))
    removed = remove_old(tmp_path, served)
    assert sorted(path.name for path in removed) == ["v5", "v6"]
    assert sorted(path.name for path in tmp_path.glob("*/*")) == [
        "v0",
        "v1",
        "v2",
        "v3",
        "v4",
        "v7",
    ]
    assert remove_old(tmp_path / "none", served) == ()


def test_a_model_that_another_worker_removes_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = place_of(tmp_path, ("m", "v0"))
    served.mkdir(parents=True)
    vanish_when_listed(monkeypatch, tmp_path / "gone")
    assert remove_old(tmp_path, served) == ()
    assert not (tmp_path / "gone").exists()


def test_one_is_elected_until_it_leaves(tmp_path: Path) -> None:
    one, other = Election(tmp_path), Election(tmp_path)
    assert one.is_won()
    assert one.is_won()
    assert not other.is_won()
    one.leave()
    assert other.is_won()
    assert not one.is_won()
    other.leave()


def test_ls03_when_the_elected_process_is_killed_another_is_elected(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        cwd=repository(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    election = Election(tmp_path)
    assert not election.is_won()
    process.kill()
    process.communicate(timeout=30)
    assert election.is_won()
    election.leave()


def test_whoever_removes_the_folder_has_the_election_held_again(tmp_path: Path) -> None:
    election = Election(tmp_path / "v")
    assert election.is_won()
    (tmp_path / "v" / "elected.lock").unlink()
    other = Election(tmp_path / "v")
    assert other.is_won()
    assert not election.is_won()
    other.leave()
