"""The loop against a clock of its own: what runs when, and what ends it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.pipelines.loop_world import EIGHT, HOUR, NINE, SCHEDULE, START, TEN, World

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]


def test_it_runs_at_its_times_and_says_when(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(codes=[0, 4, 1])

    assert world.watch() == [EIGHT, NINE, TEN]
    assert max(world.waits) == 30.0
    assert capsys.readouterr().err.splitlines() == [
        "next run at 2026-11-21 20:00 UTC",
        "the run of 2026-11-21 20:00 UTC ended",
        "next run at 2026-11-21 21:00 UTC",
        "the run of 2026-11-21 21:00 UTC found drift",
        "next run at 2026-11-21 22:00 UTC",
        "the run of 2026-11-21 22:00 UTC failed (1)",
        "next run at 2026-11-21 23:00 UTC",
    ]


@pytest.mark.fault
def test_runs_that_fail_or_are_killed_end_nothing() -> None:
    assert World(codes=[1, -9, 2]).watch() == [EIGHT, NINE, TEN]


def test_other_times_count_from_the_next_wait_on() -> None:
    world = World()

    def move(now: datetime) -> datetime:
        world.every = "30 * * * *"
        return now

    world.jumps = {3: move}

    half = timedelta(minutes=30)
    assert world.watch() == [EIGHT + half, NINE + half, TEN + half]


def test_times_missed_while_it_was_stopped_run_once() -> None:
    World(until=START + timedelta(minutes=5)).watch()
    later = TEN + 100 * HOUR + timedelta(minutes=7)

    world = World(now=later, until=later + timedelta(minutes=50))

    assert world.watch() == [later]


def test_times_missed_while_the_machine_slept_run_once() -> None:
    slept = timedelta(days=20)
    world = World(jumps={3: lambda now: now + slept}, until=START + slept + timedelta(minutes=9))

    assert world.watch() == [START + slept + timedelta(minutes=2)]


def test_times_that_pass_during_a_run_run_once_after_it() -> None:
    world = World(takes=3 * HOUR, until=START + 4 * HOUR)

    # 20:00 runs until 23:00; 21, 22 and 23 o'clock are one run.
    assert world.watch() == [EIGHT, EIGHT + 3 * HOUR]


def test_a_clock_that_is_put_back_runs_the_times_since_again() -> None:
    back = timedelta(hours=2)
    world = World(until=START + 2 * HOUR, jumps={140: lambda now: now - back})

    assert world.watch() == [EIGHT, NINE, EIGHT, NINE]


def test_it_does_nothing_once_it_is_asked_to_stop() -> None:
    world = World(until=START)
    SCHEDULE.note(START - HOUR)

    assert world.watch() == []
    assert world.waits == []


def test_a_run_is_the_last_where_it_is_asked_to_stop_meanwhile() -> None:
    SCHEDULE.note(START - HOUR)
    world = World(until=START + timedelta(minutes=1))

    assert world.watch("* * * * *") == [START]
