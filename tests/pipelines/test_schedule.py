"""When a job is due: at its times, once for all missed ones, and never twice at once."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipelines.schedule import JobSchedule, next_after
from vision.errors import VisionError
from vision.home import repository

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]

MONDAYS = "0 3 * * 1"
MONDAY = datetime(2026, 11, 23, 3, tzinfo=UTC)
WEEK = timedelta(days=7)
SCHEDULE = JobSchedule(Path("configs/monitor.yaml"))


def test_times_are_utc_whatever_zone_a_moment_is_given_in() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert next_after(MONDAYS, MONDAY - timedelta(seconds=1)) == MONDAY
    assert next_after(MONDAYS, MONDAY) == MONDAY + WEEK
    # In Tokyo it is Monday noon by then.
    assert next_after(MONDAYS, datetime(2026, 11, 23, 11, 59, tzinfo=tokyo)) == MONDAY


def test_no_time_is_lost_or_doubled_when_clocks_of_a_country_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    moment, hours = datetime(2026, 3, 28, 23, 59, tzinfo=UTC), []
    for _ in range(24):
        moment = next_after("30 * * * *", moment)
        hours.append(moment.hour)

    assert hours == list(range(24))


def test_what_is_watched_for_the_first_time_waits_for_its_next_time(home: Path) -> None:
    now = MONDAY + timedelta(hours=1)

    assert SCHEDULE.due_at(MONDAYS, now) == MONDAY + WEEK
    # It is kept, so a time that passes before the next look is due.
    assert SCHEDULE.due_at(MONDAYS, now + 2 * WEEK) == MONDAY + WEEK
    assert [file.name for file in (home / "monitoring" / "schedules").glob("[!.]*")] == [
        f"{SCHEDULE.name}.json"
    ]


def test_missed_times_are_due_once() -> None:
    SCHEDULE.note(MONDAY)
    back = MONDAY + 5 * WEEK + timedelta(hours=7)

    assert SCHEDULE.due_at(MONDAYS, back) <= back
    SCHEDULE.note(back)
    assert SCHEDULE.due_at(MONDAYS, back) == MONDAY + 6 * WEEK


def test_a_clock_that_was_ahead_does_not_stop_the_schedule() -> None:
    SCHEDULE.note(MONDAY + 52 * WEEK)

    assert SCHEDULE.due_at(MONDAYS, MONDAY - timedelta(hours=1)) == MONDAY
    assert SCHEDULE.due_at(MONDAYS, MONDAY) == MONDAY


def test_jobs_have_schedules_of_their_own(tmp_path: Path) -> None:
    others = [
        JobSchedule(tmp_path / "monitor.yaml"),
        JobSchedule(SCHEDULE.config, ("model.name=cars",)),
        JobSchedule(SCHEDULE.config, ("model.name=cars", "zenml.enable_cache=false")),
    ]

    assert len({SCHEDULE.name, *(other.name for other in others)}) == 4
    assert JobSchedule(Path.cwd() / "configs" / "monitor.yaml").name == SCHEDULE.name


@pytest.mark.fault
def test_a_damaged_schedule_begins_anew(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SCHEDULE.note(MONDAY)
    file = home / "monitoring" / "schedules" / f"{SCHEDULE.name}.json"
    file.write_text("{")

    assert SCHEDULE.due_at(MONDAYS, MONDAY + 3 * WEEK) == MONDAY + 4 * WEEK
    assert "the schedule of configs/monitor.yaml was damaged; " in capsys.readouterr().err


_HOLD = """
import sys
from pathlib import Path
from pipelines.schedule import JobSchedule
with JobSchedule(Path("configs/monitor.yaml").resolve()).only_one("run", "is being run"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.integration
def test_another_process_is_kept_out_until_this_one_ends_however_that_happens() -> None:
    schedule = JobSchedule(repository() / "configs" / "monitor.yaml")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=repository(),
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"

    with (
        pytest.raises(VisionError, match=f"is being run already, by process {holder.pid}; wait"),
        schedule.only_one("run", "is being run"),
    ):
        pass
    with schedule.only_one("forever", "is watched"):
        pass
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    with schedule.only_one("run", "is being run"):
        pass
