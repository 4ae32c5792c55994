"""A full disk, or a file that cannot be read, is told once and never ends the loop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.forever import run_forever
from pipelines.schedule import JobSchedule
from tests.pipelines.loop_world import CONFIG, EIGHT, NINE, SCHEDULE, START, TEN, World
from vision import durable
from vision.errors import VisionError

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A disk without room while the list is not empty."""
    is_full, write = [True], durable.replace_file

    def replace(*arguments: Any, **options: Any) -> None:
        if is_full:
            raise OSError(28, "No space left on device")
        write(*arguments, **options)

    monkeypatch.setattr(durable, "replace_file", replace)
    return is_full


@pytest.mark.fault
def test_a_full_disk_neither_ends_it_nor_runs_a_time_again(
    full_disk: list[bool], capsys: pytest.CaptureFixture[str]
) -> None:
    assert World(codes=[1, 1, 1]).watch() == [EIGHT, NINE, TEN]

    shown = capsys.readouterr().err
    assert shown.count("the schedule of configs/monitor.yaml cannot be written to ") == 1
    assert shown.count("until then this process remembers which times are dealt with") == 1


@pytest.mark.fault
def test_what_was_remembered_is_written_once_there_is_room(full_disk: list[bool]) -> None:
    def make_room(now: datetime) -> datetime:
        full_disk.clear()
        return now

    world = World(jumps={40: make_room}, until=EIGHT + timedelta(minutes=30))

    assert world.watch() == [EIGHT]
    # Another process finds that 20:00 was dealt with.
    assert JobSchedule(CONFIG).due_at("0 * * * *", EIGHT + timedelta(minutes=31)) == NINE


@pytest.mark.fault
def test_what_keeps_it_from_going_on_is_told_once_and_tried_again(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SCHEDULE.note(START)
    file = home / "monitoring" / "schedules" / f"{SCHEDULE.name}.json"
    kept = file.read_text()
    file.unlink()
    file.mkdir()

    def mend(now: datetime) -> datetime:
        file.rmdir()
        file.write_text(kept)
        return now

    world = World(jumps={9: mend}, until=EIGHT + timedelta(minutes=1))

    assert world.watch() == [EIGHT]
    assert world.waits[:10] == [30.0] * 10
    why = f"the schedule of configs/monitor.yaml cannot be read from {file} (Is a directory)"
    assert world.told == [f"mend this, which is tried again every 30 s: {why}"]
    assert capsys.readouterr().err.splitlines()[:2] == [why, "it is tried again every 30 s"]


@pytest.mark.fault
@pytest.mark.parametrize("error", [OSError(12, "Cannot allocate memory"), VisionError("no lock")])
def test_a_run_that_cannot_be_looked_after_ends_nothing(error: Exception) -> None:
    world, began = World(), []

    def fail(_: Callable[[], None]) -> int:
        began.append(world.now)
        raise error

    world.run = fail  # type: ignore[method-assign]
    world.watch()

    assert began == [EIGHT, NINE, TEN]
    assert world.told == [f"mend this, which is tried again every 30 s: {error}"] * 3


@pytest.mark.fault
def test_a_trouble_that_cannot_even_be_told_ends_nothing() -> None:
    def fail(_: str) -> None:
        raise OSError(28, "No space left on device")

    world = World(until=START + timedelta(minutes=2))

    def never() -> str:
        raise VisionError("no times")

    run_forever(SCHEDULE, never, world.run, fail, world, clock=lambda: world.now)

    assert world.waits == [30.0] * 4
