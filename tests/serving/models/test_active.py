"""Tests of serving/models/active.py."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.models.active import (
    MAX_PREVIOUS,
    Active,
    StoredVersion,
    active_path,
    locked,
    read_active,
    write_active,
)
from serving.models.state import ModelRefused
from vision.errors import BundleError

pytestmark = pytest.mark.unit


def stored(version: str) -> StoredVersion:
    return StoredVersion(name="Cats", version=version, bento_model=f"cats:{version}")


def pointer(generation: int = 1, previous: tuple[StoredVersion, ...] = ()) -> Active:
    return Active(
        **stored("v1").model_dump(),
        generation=generation,
        activated_at=datetime(2026, 1, 1, tzinfo=UTC),
        previous=previous,
    )


def write(active: Active) -> Path:
    with locked(1.0):
        return write_active(active)


def files_of(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "serving").iterdir())


def test_where_nothing_was_activated_there_is_no_pointer(home: Path) -> None:
    assert read_active() is None
    assert not home.exists()


def test_a_pointer_is_read_as_it_was_written(home: Path) -> None:
    written = pointer(3, (stored("v0"),))
    assert write(written) == home / "serving/active.json"
    assert read_active() == written
    assert written.versions == (stored("v1"), stored("v0"))


def test_it_is_replaced_by_another_file_and_leaves_nothing_behind(home: Path) -> None:
    write(pointer(1))
    first = active_path().stat().st_ino
    with active_path().open() as old:
        write(pointer(2))
        assert '"generation": 1' in old.read()
    assert active_path().stat().st_ino != first
    assert files_of(home) == ["active.json", "active.lock"]


def test_what_a_dead_process_left_is_removed(home: Path) -> None:
    (home / "serving").mkdir(parents=True)
    (home / "serving/.active.abc.tmp").write_text('{"name"')
    write(pointer())
    assert not (home / "serving/.active.abc.tmp").exists()


def test_an_interrupted_write_keeps_the_old_pointer(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pointer(1))

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write(pointer(2))
    found = read_active()
    assert found is not None
    assert found.generation == 1
    assert files_of(home) == ["active.json", "active.lock"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"name": "cats"}',
        pointer().model_dump_json().replace('"Cats"', '"../cats"'),
        pointer().model_dump_json().replace('"generation":1', '"generation":0'),
        pointer().model_dump_json().replace('"generation"', '"unknown":1,"generation"'),
    ],
)
def test_a_damaged_pointer_is_named_with_what_to_do(home: Path, text: str) -> None:
    (home / "serving").mkdir(parents=True)
    active_path().write_text(text)
    message = (
        r"the active pointer serving/active\.json in the project's home is damaged "
        r"\(ValidationError\); activate a model version, or delete the file"
    )
    with pytest.raises(BundleError, match=message):
        read_active()


def test_a_pointer_that_cannot_be_read_is_damaged_too(home: Path) -> None:
    active_path().mkdir(parents=True)
    with pytest.raises(BundleError, match="is damaged"):
        read_active()


def test_only_so_many_earlier_versions_are_kept() -> None:
    versions = tuple(stored(f"v{number}") for number in range(MAX_PREVIOUS + 1))
    with pytest.raises(ValueError, match="at most 10"):
        pointer(previous=versions)


def test_the_lock_is_held_by_one_at_a_time() -> None:
    with locked(1.0):
        message = "another change of the served model"
        with pytest.raises(ModelRefused, match=message) as caught, locked(0.05):
            raise AssertionError("two hold the lock")
        assert caught.value.reason == "busy"
    with locked(0.0):
        pass
