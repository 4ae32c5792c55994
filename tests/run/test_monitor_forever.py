"""``run.py monitor --forever``: what it starts, and who is told where that fails."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import run
from pipelines import forever
from pipelines.schedule import JobSchedule
from pipelines.stopping import Stopping
from tests.run.conftest import MONITOR_JOB, Told
from vision.home import repository
from vision.monitoring.state import note_state

pytestmark = pytest.mark.usefixtures("home")


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
def test_forever_starts_a_process_for_each_run(
    monitor_job: str, told: Told, watching: Watching
) -> None:
    watching.runs = [lambda: 0, lambda: 4, lambda: 130]
    arguments = ["--config", monitor_job, "--set", "monitoring.days=2", "--stack", "local"]

    assert run.main(["monitor", *arguments, "--forever"]) == 0

    program = [sys.executable, str(repository() / "run.py"), "monitor"]
    assert watching.commands == [[*program, *arguments]] * 3
    assert told() == []


@pytest.mark.fault
@pytest.mark.unit
@pytest.mark.parametrize("code", [-9, 1, 2, 3, 127])
def test_forever_tells_of_a_run_that_could_not_tell_itself(
    monitor_job: str, told: Told, watching: Watching, code: int
) -> None:
    watching.runs = [lambda: code, lambda: code]

    assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 0
    assert told() == [("monitoring", "error")]


@pytest.mark.fault
@pytest.mark.unit
def test_forever_tells_of_a_run_that_cannot_be_started(
    monitor_job: str,
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

    assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 0
    assert told() == [("monitoring", "error")]


@pytest.mark.fault
@pytest.mark.unit
def test_forever_tells_of_what_keeps_it_from_watching(
    monitor_job: str, told: Told, watching: Watching, tmp_path: Path
) -> None:
    watching.troubles = ["mend this: one\ntwo"] * 2

    assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 0
    assert told() == [("monitoring", "error")]
    [line] = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["next_move"] == "mend this: one; two"


@pytest.mark.fault
@pytest.mark.unit
def test_forever_goes_by_the_last_file_that_was_right(
    monitor_job: str, told: Told, watching: Watching, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(monitor_job)
    moved = file.read_text().replace("0 3 * * 1", "0 4 * * *")

    def move() -> int:
        file.write_text(moved)
        return 0

    def damage() -> int:
        file.write_text(moved.replace("monitoring:", "monitorign:"))
        return 0

    watching.runs = [move, damage, lambda: 2, lambda: 2]

    assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 0
    assert watching.times == ["0 3 * * 1", "0 4 * * *", "0 4 * * *", "0 4 * * *"]
    assert told() == [("monitoring", "error")]
    shown = capsys.readouterr().err
    assert shown.count("until that is mended, the times and alerts are those of before") == 1
    assert "monitorign" in shown


@pytest.mark.unit
def test_forever_does_not_tell_what_the_run_told_or_what_somebody_else_runs(
    monitor_job: str, told: Told, watching: Watching
) -> None:
    def find_error() -> int:
        note_state("digits", "v1", "error", job=MONITOR_JOB)
        return 1

    by_hand = JobSchedule(Path(monitor_job)).only_one("run", "is being run")

    def is_refused() -> int:
        by_hand.__enter__()
        return 1

    watching.runs = [find_error, is_refused]

    assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 0
    by_hand.__exit__(None, None, None)
    assert told() == []


@pytest.mark.unit
def test_two_loops_are_refused(monitor_job: str, capsys: pytest.CaptureFixture[str]) -> None:
    with JobSchedule(Path(monitor_job)).only_one("forever", "is watched"):
        assert run.main(["monitor", "--config", monitor_job, "--forever"]) == 1
    assert "is watched already, by process" in capsys.readouterr().err
