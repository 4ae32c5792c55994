"""``run.py monitor``: what runs, who is told where it fails, and what ``--forever`` starts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import run
from pipelines import forever
from pipelines.schedule import JobSchedule
from pipelines.stopping import Stopping
from tests.run.conftest import CONFIG, FakeLaunch, FakeReport
from tests.run.loading import loaded_by
from vision.errors import StackError
from vision.home import repository
from vision.monitoring.state import note_state

pytestmark = pytest.mark.usefixtures("home")

JOB = "all versions, 7 days"
Told = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "pipeline: monitoring\n"
        "model: {name: digits, input_size: [8, 8]}\n"
        "monitoring:\n"
        '  every: "0 3 * * 1"\n'
        f"  alerts: [{{kind: file, path: {tmp_path}/alerts.jsonl}}]\n"
    )
    return str(path)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """What people were told about, and as what."""

    def read() -> list[tuple[str, str]]:
        path = tmp_path / "alerts.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(value["version"], value["now"]) for value in map(json.loads, lines)]

    return read


@pytest.mark.unit
def test_once_it_is_the_job(
    launch: FakeLaunch, config: str, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--set", "monitoring.days=2", "--stack", "local"]

    assert run.main(["monitor", "--config", config, *arguments]) == 0

    ((called, job, stack, use_cache),) = launch.calls
    assert (called, stack, use_cache) == ("launch", "local", True)
    assert (job.pipeline, job.monitoring.days) == ("monitoring", 2.0)
    assert capsys.readouterr() == ("it completed\n", "")
    assert told() == []


@pytest.mark.unit
def test_drift_is_exit_code_4_and_no_failure(launch: FakeLaunch, config: str, told: Told) -> None:
    launch.ends = FakeReport("drift")

    assert run.main(["monitor", "--config", config]) == 4
    assert told() == []


@pytest.mark.unit
def test_a_report_is_written(launch: FakeLaunch, config: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    assert run.main(["monitor", "--config", config, "--report", str(report)]) == 0
    assert json.loads(report.read_text())["status"] == "completed"


@pytest.mark.fault
@pytest.mark.unit
def test_a_failure_is_told_once_and_so_is_its_end(
    launch: FakeLaunch, config: str, told: Told
) -> None:
    codes = []
    for ends in (FakeReport("failed"), StackError("no stack"), FakeReport("drift"), FakeReport()):
        launch.ends = ends
        codes.append(run.main(["monitor", "--config", config]))

    assert codes == [1, 2, 4, 0]
    assert told() == [("monitoring", "error"), ("monitoring", "ok")]


@pytest.mark.unit
def test_a_defect_is_told_and_keeps_its_traceback(
    launch: FakeLaunch, config: str, told: Told
) -> None:
    launch.ends = ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        run.main(["monitor", "--config", config])
    assert told() == [("monitoring", "error")]


@pytest.mark.unit
def test_nobody_is_told_of_an_interruption_or_of_what_is_seen_at_a_terminal(
    launch: FakeLaunch, config: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch.ends = KeyboardInterrupt()
    assert run.main(["monitor", "--config", config]) == 130
    launch.ends = FakeReport("failed")
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run.main(["monitor", "--config", config]) == 1
    assert told() == []


@pytest.mark.unit
def test_what_the_run_has_told_itself_is_not_told_again(
    launch: FakeLaunch, config: str, told: Told
) -> None:
    def find_error(*_: Any, **__: Any) -> FakeReport:
        note_state("digits", "v1", "error", job=JOB)
        return FakeReport("failed")

    launch.launch = find_error  # type: ignore[method-assign]

    assert run.main(["monitor", "--config", config]) == 1
    assert told() == []


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.fault
@pytest.mark.unit
def test_a_run_that_was_cut_off_is_told_by_the_next(
    launch: FakeLaunch, config: str, told: Told, tmp_path: Path
) -> None:
    JobSchedule(Path(config)).begin(datetime(2026, 11, 23, 3, tzinfo=UTC))

    assert run.main(["monitor", "--config", config]) == 0
    assert run.main(["monitor", "--config", config]) == 0

    assert told() == [("monitoring", "error"), ("monitoring", "ok")]
    line = (tmp_path / "alerts.jsonl").read_text().splitlines()[0]
    assert json.loads(line)["next_move"] == (
        "see what ended the run of 2026-11-23 03:00 UTC before its time"
    )


@pytest.mark.unit
def test_a_run_that_was_cut_off_is_told_by_nobody_else_where_it_is_watched_or_seen(
    launch: FakeLaunch,
    config: str,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    schedule = JobSchedule(Path(config))
    schedule.begin(datetime(2026, 11, 23, 3, tzinfo=UTC))
    with schedule.only_one("forever", "is watched"):
        assert run.main(["monitor", "--config", config]) == 0
    schedule.begin(datetime(2026, 11, 23, 3, tzinfo=UTC))
    monkeypatch.setattr(sys, "stdin", _Terminal())
    assert run.main(["monitor", "--config", config]) == 0

    assert told() == []
    said = "see what ended the run of 2026-11-23 03:00 UTC before its time\n"
    assert capsys.readouterr().err == said


@pytest.mark.unit
@pytest.mark.parametrize(
    "ends", [FakeReport(), FakeReport("failed"), StackError("no"), KeyboardInterrupt()]
)
def test_a_run_has_ended_however_it_ends(
    launch: FakeLaunch, config: str, ends: FakeReport | BaseException
) -> None:
    schedule, begun = JobSchedule(Path(config)), []

    def look(*_: Any, **__: Any) -> FakeReport:
        begun.append(schedule.find_begun())
        if isinstance(ends, BaseException):
            raise ends
        return ends

    launch.launch = look  # type: ignore[method-assign]
    run.main(["monitor", "--config", config])

    assert begun != [None]
    assert schedule.find_begun() is None


@pytest.mark.unit
def test_two_at_once_are_refused(
    launch: FakeLaunch, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with JobSchedule(Path(config)).only_one("run", "is being run"):
        assert run.main(["monitor", "--config", config]) == 1

    assert launch.calls == []
    assert f"error: {config} is being run already, by process " in capsys.readouterr().err


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
    config: str,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert run.main(["monitor", *(part.format(config) for part in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert launch.calls == []


@pytest.mark.unit
def test_a_schedule_is_left_to_the_orchestrator(
    launch: FakeLaunch,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def schedule(job: Any, stack: str | None) -> str:
        return f"{job.monitoring.every} on {stack}"

    monkeypatch.setattr(launch, "schedule", schedule, raising=False)

    assert run.main(["monitor", "--config", config, "--schedule", "--stack", "cluster"]) == 0
    assert capsys.readouterr().out == "0 3 * * 1 on cluster\n"


@dataclass
class Watching:
    """``--forever`` without waiting: the times it went by, what it started, how that ended.

    Attributes:
      runs: what each run does; returns its exit code.
      troubles: what else people are to be told.
    """

    runs: list[Callable[[], int]] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def watch(
        self,
        schedule: JobSchedule,
        every: Callable[[], str],
        start: forever.Run,
        tell: Callable[[str], None],
        waiting: Any,
    ) -> None:
        assert isinstance(waiting, Stopping)
        for _ in range(len(self.runs)):
            self.times.append(every())
            start(lambda: None)
        for trouble in self.troubles:
            tell(trouble)

    def begin(self, _: Stopping, command: list[str], meanwhile: Callable[[], None]) -> int:
        meanwhile()
        self.commands.append(command)
        return self.runs[len(self.commands) - 1]()


@pytest.fixture
def start() -> Callable[..., int]:
    """Starts a process indeed, also where ``watching`` does not."""
    return Stopping.run


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Watching:
    made = Watching()
    monkeypatch.setattr(forever, "run_forever", made.watch)
    monkeypatch.setattr(Stopping, "run", lambda *arguments: made.begin(*arguments))
    return made


@pytest.mark.unit
def test_forever_starts_a_process_for_each_run(config: str, told: Told, watching: Watching) -> None:
    watching.runs = [lambda: 0, lambda: 4, lambda: 130]
    arguments = ["--config", config, "--set", "monitoring.days=2", "--stack", "local"]

    assert run.main(["monitor", *arguments, "--forever"]) == 0

    program = [sys.executable, str(repository() / "run.py"), "monitor"]
    assert watching.commands == [[*program, *arguments]] * 3
    assert told() == []


@pytest.mark.fault
@pytest.mark.unit
@pytest.mark.parametrize("code", [-9, 1, 2, 3, 127])
def test_forever_tells_of_a_run_that_could_not_tell_itself(
    config: str, told: Told, watching: Watching, code: int
) -> None:
    watching.runs = [lambda: code, lambda: code]

    assert run.main(["monitor", "--config", config, "--forever"]) == 0
    assert told() == [("monitoring", "error")]


@pytest.mark.fault
@pytest.mark.unit
def test_forever_tells_of_a_run_that_cannot_be_started(
    config: str,
    told: Told,
    start: Callable[..., int],
    watching: Watching,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(Stopping, "run", start)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    watching.runs = [lambda: 0]

    assert run.main(["monitor", "--config", config, "--forever"]) == 0
    assert told() == [("monitoring", "error")]


@pytest.mark.fault
@pytest.mark.unit
def test_forever_tells_of_what_keeps_it_from_watching(
    config: str, told: Told, watching: Watching, tmp_path: Path
) -> None:
    watching.troubles = ["mend this: one\ntwo"] * 2

    assert run.main(["monitor", "--config", config, "--forever"]) == 0
    assert told() == [("monitoring", "error")]
    [line] = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["next_move"] == "mend this: one; two"


@pytest.mark.fault
@pytest.mark.unit
def test_forever_goes_by_the_last_file_that_was_right(
    config: str, told: Told, watching: Watching, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(config)
    moved = file.read_text().replace("0 3 * * 1", "0 4 * * *")

    def move() -> int:
        file.write_text(moved)
        return 0

    def damage() -> int:
        file.write_text(moved.replace("monitoring:", "monitorign:"))
        return 0

    watching.runs = [move, damage, lambda: 2, lambda: 2]

    assert run.main(["monitor", "--config", config, "--forever"]) == 0
    assert watching.times == ["0 3 * * 1", "0 4 * * *", "0 4 * * *", "0 4 * * *"]
    assert told() == [("monitoring", "error")]
    shown = capsys.readouterr().err
    assert shown.count("until that is mended, the times and alerts are those of before") == 1
    assert "monitorign" in shown


@pytest.mark.unit
def test_forever_does_not_tell_what_the_run_told_or_what_somebody_else_runs(
    config: str, told: Told, watching: Watching
) -> None:
    def find_error() -> int:
        note_state("digits", "v1", "error", job=JOB)
        return 1

    by_hand = JobSchedule(Path(config)).only_one("run", "is being run")

    def is_refused() -> int:
        by_hand.__enter__()
        return 1

    watching.runs = [find_error, is_refused]

    assert run.main(["monitor", "--config", config, "--forever"]) == 0
    by_hand.__exit__(None, None, None)
    assert told() == []


@pytest.mark.unit
def test_two_jobs_for_one_model_do_not_end_each_others_failures(
    launch: FakeLaunch, config: str, told: Told
) -> None:
    for days, ends in (("7", "failed"), ("1", "completed"), ("7", "failed"), ("7", "completed")):
        launch.ends = FakeReport(ends)
        run.main(["monitor", "--config", config, "--set", f"monitoring.days={days}"])
    assert told() == [("monitoring", "error"), ("monitoring", "ok")]


@pytest.mark.unit
def test_two_loops_are_refused(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    with JobSchedule(Path(config)).only_one("forever", "is watched"):
        assert run.main(["monitor", "--config", config, "--forever"]) == 1
    assert "is watched already, by process" in capsys.readouterr().err


@pytest.mark.unit
def test_help_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "yaml", "zenml", "croniter", "numpy"}
    assert loaded_by("import run\nrun.main(['monitor', '--help'])", heavy) == "[]"
