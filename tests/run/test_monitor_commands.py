"""``run.py monitor``: what runs, and who is told where it fails."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import run
from pipelines.schedule import JobSchedule
from tests.run.conftest import CONFIG, MONITOR_JOB, FakeLaunch, FakeReport, Told
from tests.run.loading import loaded_by
from vision.errors import StackError
from vision.monitoring.state import note_state

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.unit
def test_once_it_is_the_job(
    launch: FakeLaunch, monitor_job: str, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--set", "monitoring.days=2", "--stack", "local"]

    assert run.main(["monitor", "--config", monitor_job, *arguments]) == 0

    ((called, job, stack, use_cache),) = launch.calls
    assert (called, stack, use_cache) == ("launch", "local", True)
    assert (job.pipeline, job.monitoring.days) == ("monitoring", 2.0)
    assert capsys.readouterr() == ("it completed\n", "")
    assert told() == []


@pytest.mark.unit
def test_drift_is_exit_code_4_and_no_failure(
    launch: FakeLaunch, monitor_job: str, told: Told
) -> None:
    launch.ends = FakeReport("drift")

    assert run.main(["monitor", "--config", monitor_job]) == 4
    assert told() == []


@pytest.mark.unit
def test_a_report_is_written(launch: FakeLaunch, monitor_job: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    assert run.main(["monitor", "--config", monitor_job, "--report", str(report)]) == 0
    assert json.loads(report.read_text())["status"] == "completed"


@pytest.mark.fault
@pytest.mark.unit
def test_a_failure_is_told_once_and_so_is_its_end(
    launch: FakeLaunch, monitor_job: str, told: Told
) -> None:
    codes = []
    for ends in (FakeReport("failed"), StackError("no stack"), FakeReport("drift"), FakeReport()):
        launch.ends = ends
        codes.append(run.main(["monitor", "--config", monitor_job]))

    assert codes == [1, 2, 4, 0]
    assert told() == [("monitoring", "error"), ("monitoring", "ok")]


@pytest.mark.unit
def test_a_defect_is_told_and_keeps_its_traceback(
    launch: FakeLaunch, monitor_job: str, told: Told
) -> None:
    launch.ends = ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        run.main(["monitor", "--config", monitor_job])
    assert told() == [("monitoring", "error")]


@pytest.mark.unit
def test_nobody_is_told_of_an_interruption_or_of_what_is_seen_at_a_terminal(
    launch: FakeLaunch, monitor_job: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch.ends = KeyboardInterrupt()
    assert run.main(["monitor", "--config", monitor_job]) == 130
    launch.ends = FakeReport("failed")
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run.main(["monitor", "--config", monitor_job]) == 1
    assert told() == []


@pytest.mark.unit
def test_what_the_run_has_told_itself_is_not_told_again(
    launch: FakeLaunch, monitor_job: str, told: Told
) -> None:
    def find_error(*_: Any, **__: Any) -> FakeReport:
        note_state("digits", "v1", "error", job=MONITOR_JOB)
        return FakeReport("failed")

    launch.launch = find_error  # type: ignore[method-assign]

    assert run.main(["monitor", "--config", monitor_job]) == 1
    assert told() == []


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.fault
@pytest.mark.unit
def test_a_run_that_was_cut_off_is_told_by_the_next(
    launch: FakeLaunch, monitor_job: str, told: Told, tmp_path: Path
) -> None:
    JobSchedule(Path(monitor_job)).begin(datetime(2026, 11, 23, 3, tzinfo=UTC))

    assert run.main(["monitor", "--config", monitor_job]) == 0
    assert run.main(["monitor", "--config", monitor_job]) == 0

    assert told() == [("monitoring", "error"), ("monitoring", "ok")]
    line = (tmp_path / "alerts.jsonl").read_text().splitlines()[0]
    assert json.loads(line)["next_move"] == (
        "see what ended the run of 2026-11-23 03:00 UTC before its time"
    )


@pytest.mark.unit
def test_a_run_that_was_cut_off_is_told_by_nobody_else_where_it_is_watched_or_seen(
    launch: FakeLaunch,
    monitor_job: str,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    schedule = JobSchedule(Path(monitor_job))
    schedule.begin(datetime(2026, 11, 23, 3, tzinfo=UTC))
    with schedule.only_one("forever", "is watched"):
        assert run.main(["monitor", "--config", monitor_job]) == 0
    schedule.begin(datetime(2026, 11, 23, 3, tzinfo=UTC))
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run.main(["monitor", "--config", monitor_job]) == 0

    assert told() == []
    said = "see what ended the run of 2026-11-23 03:00 UTC before its time\n"
    assert capsys.readouterr().err == said


@pytest.mark.unit
@pytest.mark.parametrize(
    "ends", [FakeReport(), FakeReport("failed"), StackError("no"), KeyboardInterrupt()]
)
def test_a_run_has_ended_however_it_ends(
    launch: FakeLaunch, monitor_job: str, ends: FakeReport | BaseException
) -> None:
    schedule, begun = JobSchedule(Path(monitor_job)), []

    def look(*_: Any, **__: Any) -> FakeReport:
        begun.append(schedule.find_begun())
        if isinstance(ends, BaseException):
            raise ends
        return ends

    launch.launch = look  # type: ignore[method-assign]
    run.main(["monitor", "--config", monitor_job])

    assert begun != [None]
    assert schedule.find_begun() is None


@pytest.mark.unit
def test_two_at_once_are_refused(
    launch: FakeLaunch, monitor_job: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with JobSchedule(Path(monitor_job)).only_one("run", "is being run"):
        assert run.main(["monitor", "--config", monitor_job]) == 1

    assert launch.calls == []
    assert f"error: {monitor_job} is being run already, by process " in capsys.readouterr().err


@pytest.mark.unit
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--config'"),
        (["--config", CONFIG], "run.py monitor takes pipeline: monitoring"),
        (["--config", "{}", "--forever", "--schedule"], "either --forever or --schedule"),
        (["--config", "{}", "--forever", "--report", "x.json"], "--report belongs to a single run"),
        (["--config", "{}", "--forever", "--set", "monitoring.every=null"], "every is not set"),
        (["--config", "{}", "--schedule", "--set", "monitoring.every=null"], "every is not set"),
        (
            [
                "--config",
                "{}",
                "--schedule",
                "--set",
                "monitoring.on_drift=retrain",
                "--set",
                "monitoring.retrain.config=configs/train.yaml",
            ],
            "an orchestrator's schedule starts no training; use run.py monitor --forever",
        ),
    ],
)
def test_a_wrong_call_ends_2_and_runs_nothing(
    launch: FakeLaunch,
    monitor_job: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert run.main(["monitor", *(part.format(monitor_job) for part in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert launch.calls == []


@pytest.mark.unit
def test_a_schedule_is_left_to_the_orchestrator(
    launch: FakeLaunch,
    monitor_job: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def schedule(job: Any, stack: str | None) -> str:
        return f"{job.monitoring.every} on {stack}"

    monkeypatch.setattr(launch, "schedule", schedule, raising=False)

    assert run.main(["monitor", "--config", monitor_job, "--schedule", "--stack", "cluster"]) == 0
    assert capsys.readouterr().out == "0 3 * * 1 on cluster\n"


@pytest.mark.unit
def test_two_jobs_for_one_model_do_not_end_each_others_failures(
    launch: FakeLaunch, monitor_job: str, told: Told
) -> None:
    for days, ends in (("7", "failed"), ("1", "completed"), ("7", "failed"), ("7", "completed")):
        launch.ends = FakeReport(ends)
        run.main(["monitor", "--config", monitor_job, "--set", f"monitoring.days={days}"])
    assert told() == [("monitoring", "error"), ("monitoring", "ok")]


@pytest.mark.unit
def test_help_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "yaml", "zenml", "croniter", "numpy"}
    assert loaded_by("import run\nrun.main(['monitor', '--help'])", heavy) == "[]"
