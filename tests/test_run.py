"""The command line: what it calls, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import pipelines
import run
import stacks
from stacks.doctor import Check
from vision.config.job import JobConfig
from vision.errors import BundleError, GateStopped, StackError
from vision.home import repository
from vision.validation.report import Gate

CONFIG = str(repository() / "configs" / "train.yaml")


@dataclass
class FakeReport:
    """A job that ended in some way."""

    status: str = "completed"

    def to_json(self) -> dict[str, Any]:
        return {"pipeline": "training", "status": self.status}

    def summary(self) -> str:
        return f"it {self.status}"


@dataclass
class FakeLaunch:
    """Stands for ``pipelines.launch``: notes what it is called with, ends as it is told."""

    ends: FakeReport | BaseException = field(default_factory=FakeReport)
    calls: list[tuple[str, JobConfig, str | None, bool | None]] = field(default_factory=list)

    def launch(self, job: JobConfig, *, stack: str | None, use_cache: bool) -> FakeReport:
        self.calls.append(("launch", job, stack, use_cache))
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends

    def plan(self, job: JobConfig, stack: str | None) -> str:
        self.calls.append(("plan", job, stack, None))
        return "load_dataset, train_model"


@pytest.fixture(autouse=True)
def keeps_its_signals() -> Any:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> FakeLaunch:
    fake = FakeLaunch()
    monkeypatch.setattr(pipelines, "launch", fake, raising=False)
    return fake


def test_a_job_is_run_with_what_was_asked(
    launch: FakeLaunch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", CONFIG, "--set", "training.epochs=3", "--set", "model.name=mine"]
    assert run.main([*arguments, "--stack", "local", "--no-cache"]) == 0
    ((called, job, stack, use_cache),) = launch.calls
    assert (called, stack, use_cache) == ("launch", "local", False)
    assert (job.training.epochs, job.model.name) == (3, "mine")
    assert capsys.readouterr() == ("it completed\n", "")


def test_the_cache_and_the_active_stack_are_the_defaults(launch: FakeLaunch) -> None:
    assert run.main(["--config", CONFIG]) == 0
    assert launch.calls[0][2:] == (None, True)


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("stopped", 3)])
def test_the_report_is_written_however_the_job_ended(
    launch: FakeLaunch, tmp_path: Path, status: str, code: int
) -> None:
    launch.ends = FakeReport(status)
    report = tmp_path / "new" / "report.json"
    assert run.main(["--config", CONFIG, "--report", str(report)]) == code
    assert json.loads(report.read_text()) == {"pipeline": "training", "status": status}
    assert [path.name for path in report.parent.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("error", "code"), [(StackError("no stack is called 'x'"), 2), (KeyboardInterrupt(), 130)]
)
def test_the_report_is_written_even_if_nothing_could_be_started(
    launch: FakeLaunch, tmp_path: Path, error: BaseException, code: int
) -> None:
    launch.ends = error
    report = tmp_path / "report.json"
    report.write_text("from an earlier job")
    assert run.main(["--config", CONFIG, "--report", str(report)]) == code
    written = json.loads(report.read_text())
    assert written["status"] == "failed"
    assert (written["pipeline"], written["model"]) == ("training", {"name": None, "version": None})


def test_a_dry_run_shows_the_job_and_the_plan_and_runs_nothing(
    launch: FakeLaunch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", CONFIG, "--set", "training.batch_size=48", "--stack", "local-gpu"]
    assert run.main([*arguments, "--dry-run"]) == 0
    assert [call[0] for call in launch.calls] == ["plan"]
    assert launch.calls[0][2] == "local-gpu"
    shown = capsys.readouterr().out
    assert "  batch_size: 48\n" in shown
    assert shown.endswith("\nload_dataset, train_model\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StackError("local-gpu needs a GPU"), 2, "error: local-gpu needs a GPU\n"),
        (BundleError("differs by 3e-4"), 1, "error: differs by 3e-4\n"),
        (
            GateStopped([Gate(name="accuracy", passed=False, value=0.5, rule=">= 0.97")]),
            3,
            "error: accuracy = 0.5, required >= 0.97\n",
        ),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    ],
)
def test_foreseen_ends_are_one_message_and_a_code(
    launch: FakeLaunch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    launch.ends = error
    assert run.main(["--config", CONFIG]) == code
    assert capsys.readouterr() == ("", said)


def test_a_defect_keeps_its_traceback(launch: FakeLaunch) -> None:
    launch.ends = ZeroDivisionError("a defect")
    with pytest.raises(ZeroDivisionError, match="a defect"):
        run.main(["--config", CONFIG])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dry-run"], "Error: name the job: --config configs/train.yaml"),
        (["--stack", "x", "doctor"], "Error: doctor takes none of the job's options"),
        (["--confg", "x"], "Error: No such option '--confg'."),
        (["--config", CONFIG, "--report", "."], "is a directory"),
        (["nothing"], "Error: No such command 'nothing'."),
        (["--config", "no.yaml"], "no.yaml: cannot be read: No such file or directory"),
        (["--config", CONFIG, "--set", "a=1"], "--set: a = 1: unknown key"),
    ],
)
def test_a_wrong_call_ends_2_and_runs_nothing(
    launch: FakeLaunch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert run.main(arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert launch.calls == []


def test_without_arguments_it_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: run.py [OPTIONS] [COMMAND] [ARGS]...")
    for word in ("--config", "--set", "--stack", "--dry-run", "--no-cache", "--report", "doctor"):
        assert word in shown


@pytest.mark.parametrize("all_ok", [True, False])
def test_doctor_prints_every_line_and_ends_1_where_something_is_to_be_mended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], all_ok: bool
) -> None:
    checks = [Check("disk", True, "9 GiB free"), Check("stacks", all_ok, "2 differ", "mend it")]
    monkeypatch.setattr("stacks.doctor.examine", lambda: checks)
    assert run.main(["doctor"]) == (0 if all_ok else 1)
    second = "ok   stacks: 2 differ" if all_ok else "MEND stacks: 2 differ → mend it"
    assert capsys.readouterr().out == f"ok   disk: 9 GiB free\n{second}\n"


@dataclass
class FakeRegistry:
    """Stands for ``stacks.registry``."""

    asked: list[object] = field(default_factory=list)

    def apply(self, names: object = None) -> list[Any]:
        self.asked.append(names)
        return []

    def diff(self) -> list[Any]:
        return [type("Change", (), {"sentence": "create stack 'aws'"})()]

    def waiting(self) -> list[Any]:
        return [type("Change", (), {"sentence": "stack on-prem: waits for the secret storage"})()]

    def list_stacks(self) -> str:
        return "local (active)"


def test_stacks_are_applied_listed_and_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = FakeRegistry()
    monkeypatch.setattr(stacks, "registry", registry, raising=False)
    assert run.main(["stacks", "apply"]) == 0
    assert run.main(["stacks", "apply", "local", "aws"]) == 0
    assert run.main(["stacks", "diff"]) == 0
    assert run.main(["stacks", "list"]) == 0
    assert registry.asked == [None, ("local", "aws")]
    lines = capsys.readouterr().out.splitlines()
    waits = "stack on-prem: waits for the secret storage"
    assert lines == [
        *(waits, "0 changes", waits, "0 changes"),
        *("create stack 'aws'", waits, "1 change", "local (active)"),
    ]


def test_a_termination_ends_130_without_a_traceback() -> None:
    # Interrupts itself from within the job: no waiting, no race.
    code = (
        "import os, pipelines, signal, sys, types, run\n"
        "pipelines.launch = types.SimpleNamespace("
        "launch=lambda job, **rest: os.kill(os.getpid(), signal.SIGTERM))\n"
        f"sys.exit(run.main(['--config', {CONFIG!r}]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=repository(),
        env=dict(os.environ),
        check=False,
        timeout=60,
    )
    assert ended.returncode == 130
    assert ended.stderr == "\ninterrupted\n"
    assert ended.stdout == ""


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, run\n"
        "run.main(['--help'])\n"
        "print(sorted({'pydantic', 'yaml', 'zenml', 'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=repository(),
        check=True,
        timeout=60,
    )
    assert ended.stdout.splitlines()[-1] == "[]"
