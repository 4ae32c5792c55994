"""Runs that were cut off with the loop are made up for once; one that does not end is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pipelines.forever import run_forever
from pipelines.schedule import BegunRun, JobSchedule
from tests.pipelines.loop_world import CONFIG, EIGHT, HOUR, NINE, SCHEDULE, START, TEN, World
from vision.errors import VisionError

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]


class PowerLossError(BaseException):
    """Ends everything at once."""


def _cut_off(world: World) -> None:
    """Watches until the power fails during a run."""
    begin = world.run

    def fail(meanwhile: Callable[[], None]) -> int:
        begin(meanwhile)
        raise PowerLossError

    world.run = fail  # type: ignore[method-assign]
    with pytest.raises(PowerLossError):
        world.watch()


@pytest.mark.fault
def test_a_run_that_the_power_cut_off_is_told_and_run_once_more() -> None:
    _cut_off(World())
    back = EIGHT + timedelta(minutes=5)
    world = World(now=back)

    assert world.watch() == [back, NINE, TEN]
    assert world.told == [
        "see what ended the run of 2026-11-21 20:00 UTC before its time; it is run once more now"
    ]
    # It is made up for: another start finds nothing.
    again = World(now=TEN + timedelta(minutes=5), until=TEN + timedelta(minutes=9))
    assert (again.watch(), again.told) == ([], [])


@pytest.mark.fault
def test_a_repeat_that_is_cut_off_is_told_and_not_repeated() -> None:
    backs = [EIGHT + timedelta(minutes=minutes) for minutes in (5, 10, 15)]
    _cut_off(World())
    _cut_off(World(now=backs[0]))
    third = World(now=backs[1], until=EIGHT + timedelta(minutes=14))
    fourth = World(now=backs[2])

    assert (third.watch(), fourth.watch()) == ([], [NINE, TEN])
    assert third.told == [
        "see what ended the run of 2026-11-21 20:05 UTC before its time; it was a repeat, so the "
        "next is at the next time"
    ]
    assert fourth.told == []


@pytest.mark.fault
def test_a_run_is_made_up_for_where_nobody_can_be_told() -> None:
    def fail(_: str) -> None:
        raise OSError(28, "No space left on device")

    _cut_off(World())
    back = EIGHT + timedelta(minutes=5)
    world = World(now=back, until=EIGHT + timedelta(minutes=9))
    loop = JobSchedule(CONFIG), lambda: "0 * * * *", world.run, fail, world
    run_forever(*loop, clock=lambda: world.now)

    assert world.runs == [back]


@pytest.mark.fault
def test_a_cut_off_run_and_missed_times_are_one_run() -> None:
    _cut_off(World())
    back = EIGHT + timedelta(days=3, minutes=5)
    world = World(now=back, until=back + timedelta(minutes=30))

    assert world.watch() == [back]


@pytest.mark.fault
def test_a_run_after_a_lost_repeat_has_a_repeat_of_its_own() -> None:
    _cut_off(World())
    _cut_off(World(now=EIGHT + timedelta(minutes=5)))
    _cut_off(World(now=EIGHT + timedelta(minutes=10)))  # that of 21:00
    back = NINE + timedelta(minutes=5)
    world = World(now=back, until=NINE + timedelta(minutes=50))

    assert world.watch() == [back]


def test_a_run_that_somebody_runs_by_hand_meanwhile_was_not_cut_off() -> None:
    SCHEDULE.note(START)
    by_hand = JobSchedule(CONFIG)
    world = World(until=START + timedelta(minutes=5))
    with by_hand.only_one("run", "is being run"):
        by_hand.begin(START)
        assert (world.watch(), world.told) == ([], [])
        assert by_hand.find_begun() == BegunRun(START, is_repeat=False)


@pytest.mark.fault
@pytest.mark.parametrize("code", [130, -15])
def test_a_run_that_is_ended_with_the_loop_is_made_up_for(code: int) -> None:
    SCHEDULE.note(START - HOUR)
    World(until=START + timedelta(minutes=1), codes=[code]).watch()
    back = START + timedelta(minutes=5)

    world = World(now=back, until=back + timedelta(minutes=4))

    assert world.watch() == [back]


@pytest.mark.parametrize("code", [0, 1, 4])
def test_a_run_that_ended_while_it_was_asked_to_stop_is_not_run_again(code: int) -> None:
    SCHEDULE.note(START - HOUR)
    World(until=START + timedelta(minutes=1), codes=[code]).watch()
    back = START + timedelta(minutes=5)

    world = World(now=back, until=back + timedelta(minutes=4))

    assert (world.watch(), world.told) == ([], [])


@pytest.mark.fault
def test_a_run_that_does_not_end_is_told_once_at_the_next_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(takes=timedelta(hours=2, minutes=30), until=START + timedelta(hours=2))

    assert world.watch() == [EIGHT]
    said = "see why the run of 2026-11-21 20:00 UTC has not ended by 2026-11-21 21:00 UTC"
    assert world.told == [f"{said}; no other begins before it has"]
    assert capsys.readouterr().err.splitlines()[1:] == [
        said,
        "the run of 2026-11-21 20:00 UTC ended",
    ]


def test_a_run_that_ends_before_the_next_time_is_not_told() -> None:
    world = World(takes=timedelta(minutes=59))

    assert (world.watch(), world.told) == ([EIGHT, NINE, TEN], [])


@pytest.mark.fault
def test_a_run_is_waited_for_whatever_becomes_of_looking_after_it() -> None:
    world = World(takes=timedelta(hours=2), until=START + timedelta(hours=2))
    n_looks = 0

    def read() -> str:
        nonlocal n_looks
        n_looks += 1
        if world.runs and world.now < NINE + timedelta(minutes=10):
            raise VisionError("no times")
        return "0 * * * *"

    loop = JobSchedule(CONFIG), read, world.run, world.told.append, world
    run_forever(*loop, clock=lambda: world.now)

    assert world.runs == [EIGHT]
    assert n_looks > 240
    assert len(world.told) == 1
