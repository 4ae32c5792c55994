"""When a window is begun anew, and that it is once, whoever is first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from serving.drift.beginning import Beginning, Followed

pytestmark = pytest.mark.unit

KEY = ("digits", "v1")


def followed(generation: int = 0, other_since: float | None = None) -> Followed:
    return Followed(KEY, Path("bundle"), generation, other_since)


def begin(folder: Path, generation: int = 0, other_since: float | None = None) -> float:
    """Looks as a worker does that has just turned to the version."""
    return Beginning(folder, followed(generation, other_since)).look()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """What is removed when a version's window, which exists, is begun anew."""
    begin(tmp_path)
    made = [tmp_path / "window.rows", tmp_path / "verdict.json"]
    for path in made:
        path.write_text("something")
    return made


def test_the_first_look_begins_it_and_a_restart_goes_on(files: list[Path], tmp_path: Path) -> None:
    at = begin(tmp_path)
    assert 0 <= time.time() - at < 60
    assert begin(tmp_path) == at
    assert all(path.exists() for path in files)
    assert (tmp_path / "begun.json").stat().st_mode & 0o777 == 0o600


def test_files_of_an_older_release_are_begun_anew(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "begun.json").unlink()
    begin(tmp_path)
    assert not any(path.exists() for path in files)


@pytest.mark.parametrize("generation", [1, 7])
def test_another_change_of_the_pointer_begins_it_anew_once(
    files: list[Path], tmp_path: Path, generation: int
) -> None:
    before = begin(tmp_path)
    at = begin(tmp_path, generation)
    assert at > before
    assert not any(path.exists() for path in files)
    files[0].write_text("of now")
    assert begin(tmp_path, generation) == at
    # Also for a worker that served another version until now.
    assert begin(tmp_path, generation, time.time()) == at
    assert files[0].exists()


def test_a_champion_that_comes_back_begins_it_anew_once(files: list[Path], tmp_path: Path) -> None:
    before = begin(tmp_path)
    other_since = time.time()
    at = begin(tmp_path, 0, other_since)
    assert at > before
    assert not any(path.exists() for path in files)
    files[0].write_text("of now")
    assert begin(tmp_path, 0, other_since + 1e-6) == at
    assert files[0].exists()


def test_a_worker_that_missed_it_goes_along(files: list[Path], tmp_path: Path) -> None:
    slow = Beginning(tmp_path, followed())
    before = slow.look()
    at = begin(tmp_path, 0, time.time())
    assert slow.look() == at > before
    assert slow.look() == at


@pytest.mark.parametrize("damage", ["long", "half", "empty", "other"])
def test_a_damaged_note_begins_it_anew(files: list[Path], tmp_path: Path, damage: str) -> None:
    file = tmp_path / "begun.json"
    before = begin(tmp_path)
    text = {"long": "x" * 200, "half": file.read_text()[:20], "empty": "", "other": '{"at": 1}'}
    file.write_text(text[damage])
    at = begin(tmp_path)
    assert at > before
    assert not any(path.exists() for path in files)
    assert begin(tmp_path) == at


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="Not a directory"):
        begin(tmp_path / "file" / "v1")


def test_what_counts_as_a_change() -> None:
    now = followed(3)
    assert replace(now, since=0.0, other_since=5.0).is_as(now)
    for name, value in (("key", ("digits", "v2")), ("bundle", Path("b")), ("generation", 4)):
        assert not replace(now, **{name: value}).is_as(now)
