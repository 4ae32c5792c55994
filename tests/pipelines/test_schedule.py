"""When a job is due: at its times, once for all missed ones, and never twice at once."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipelines.schedule import BegunRun, JobSchedule, next_after
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


def test_a_run_is_begun_until_it_has_ended() -> None:
    schedule = JobSchedule(SCHEDULE.config)
    schedule.end()
    assert schedule.find_begun() is None

    SCHEDULE.begin(MONDAY, is_repeat=True)
    # The process that runs it notes the same, and so does whoever asks for its next time.
    schedule.begin(MONDAY + timedelta(seconds=2))
    assert schedule.due_at(MONDAYS, MONDAY - WEEK + timedelta(hours=1)) == MONDAY
    assert SCHEDULE.find_begun() == BegunRun(MONDAY + timedelta(seconds=2), is_repeat=True)

    schedule.end()
    assert SCHEDULE.find_begun() is None
    SCHEDULE.begin(MONDAY)
    assert SCHEDULE.find_begun() == BegunRun(MONDAY, is_repeat=False)


def test_what_an_earlier_release_kept_is_read(home: Path) -> None:
    SCHEDULE.note(MONDAY)
    file = home / "monitoring" / "schedules" / f"{SCHEDULE.name}.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps({key: values[key] for key in ("config", "dealt_with_until")}))

    assert SCHEDULE.find_begun() is None
    assert SCHEDULE.due_at(MONDAYS, MONDAY) == MONDAY + WEEK


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


@pytest.mark.fault
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_lock_needs_no_room(home: Path) -> None:
    place = home / "monitoring" / "schedules"
    place.mkdir(parents=True)
    (place / f".{SCHEDULE.name}.run.lock").symlink_to("/dev/full")

    with SCHEDULE.only_one("run", "is being run"):
        assert SCHEDULE.is_held("run")
    assert not SCHEDULE.is_held("run")


@pytest.mark.fault
def test_a_lock_that_cannot_be_made_is_one_sentence(home: Path) -> None:
    lock = home / "monitoring" / "schedules" / f".{SCHEDULE.name}.run.lock"
    lock.mkdir(parents=True)

    with pytest.raises(VisionError, match=rf"the lock {lock} cannot be made \(Is a directory\); "):
        SCHEDULE.is_held("run")


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
