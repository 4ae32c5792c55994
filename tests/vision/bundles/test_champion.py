"""Tests of vision/bundles/champion.py."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vision.bundles.champion import Champion, newest_champion, read_champion, write_champion
from vision.errors import BundleError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path))
    return tmp_path


def champion(name: str = "digits", version: str = "v1", day: int = 1) -> Champion:
    return Champion(
        name=name,
        version=version,
        bento_model=f"{name}:{version}",
        promoted_at=datetime(2026, 1, day, tzinfo=UTC),
    )


def test_there_is_no_champion_at_first(home: Path) -> None:
    assert read_champion("digits") is None
    assert newest_champion() is None
    assert not any(home.iterdir())


def test_a_champion_is_read_as_it_was_written(home: Path) -> None:
    path = write_champion(champion())
    assert path == home / "champions/digits.json"
    assert read_champion("digits") == champion()
    assert [entry.name for entry in path.parent.iterdir()] == ["digits.json"]


def test_the_last_one_written_counts() -> None:
    write_champion(champion(version="v1", day=2))
    write_champion(champion(version="v2", day=1))
    read = read_champion("digits")
    assert read is not None
    assert read.version == "v2"


def test_the_newest_of_all_models() -> None:
    write_champion(champion("digits", day=2))
    write_champion(champion("cats", day=3))
    write_champion(champion("birds", day=1))
    newest = newest_champion()
    assert newest is not None
    assert newest.name == "cats"


def test_promoted_at_is_now_unless_given() -> None:
    made = Champion(name="a", version="b", bento_model="a:b")
    assert abs(datetime.now(UTC) - made.promoted_at) < timedelta(seconds=5)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "digits"}', "\x00" * 200])
def test_a_damaged_pointer_is_an_error_and_not_none(home: Path, content: str) -> None:
    write_champion(champion())
    (home / "champions/digits.json").write_text(content)
    message = r"champion pointer .*digits\.json is damaged .*; delete the file and promote"
    with pytest.raises(BundleError, match=message):
        read_champion("digits")
    with pytest.raises(BundleError, match=message):
        newest_champion()


def test_a_pointer_under_another_name_is_refused(home: Path) -> None:
    write_champion(champion("digits")).rename(home / "champions/cats.json")
    with pytest.raises(BundleError, match="names the model 'digits', and must name 'cats'"):
        read_champion("cats")


@pytest.mark.parametrize("name", ["../digits", "a/b", "..", ""])
def test_names_cannot_leave_the_folder(name: str) -> None:
    with pytest.raises(BundleError, match="model name"):
        read_champion(name)


def test_left_overs_of_a_crash_are_no_pointers(home: Path) -> None:
    write_champion(champion())
    (home / "champions/.digits.abc.tmp").write_text("half")
    (home / "champions/.digits.json").write_text("half")
    assert newest_champion() == champion()


def test_a_failed_write_keeps_the_old_pointer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_champion(champion(version="v1"))

    def fail(source: str, target: Path) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space left"):
            write_champion(champion(version="v2"))
    read = read_champion("digits")
    assert read is not None
    assert read.version == "v1"
    assert [entry.name for entry in (home / "champions").iterdir()] == ["digits.json"]


def test_readers_never_see_half_a_pointer() -> None:
    write_champion(champion(version="v0"))
    versions = [f"v{number}" for number in range(50)]

    def write_all() -> None:
        for version in versions:
            write_champion(champion(version=version))

    writer = threading.Thread(target=write_all)
    writer.start()
    seen = set()
    while writer.is_alive():
        read = read_champion("digits")
        assert read is not None
        seen.add(read.version)
    writer.join()
    assert seen <= set(versions)
