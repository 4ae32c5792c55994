"""Jobs on the command line: what is called, what is said, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import run
from pipelines.schedule import JobSchedule
from tests.run.conftest import CONFIG, FakeLaunch, FakeReport
from tests.run.loading import loaded_by
from vision.errors import BundleError, GateStopped, StackError
from vision.home import repository
from vision.validation.report import Gate


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


@pytest.fixture
def monitoring(tmp_path: Path, home: Path) -> str:
    """A job that monitors and tells a file."""
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "pipeline: monitoring\n"
        "model: {name: digits, input_size: [8, 8]}\n"
        f"monitoring: {{alerts: [{{kind: file, path: {tmp_path}/alerts.jsonl}}]}}\n"
    )
    return str(path)


def _told(config: str) -> list[tuple[str, str]]:
    lines = Path(config).with_name("alerts.jsonl").read_text().splitlines()
    return [(value["version"], value["now"]) for value in map(json.loads, lines)]


@pytest.mark.fault
def test_a_monitoring_job_that_fails_is_told_as_with_run_py_monitor(
    launch: FakeLaunch, monitoring: str
) -> None:
    codes = []
    for ends in (FakeReport("failed"), StackError("no stack"), FakeReport("drift")):
        launch.ends = ends
        codes.append(run.main(["--config", monitoring]))

    assert codes == [1, 2, 4]
    assert _told(monitoring) == [("monitoring", "error"), ("monitoring", "ok")]


@pytest.mark.fault
def test_a_monitoring_job_is_not_run_twice_at_once(
    launch: FakeLaunch, monitoring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"status": "completed"}')
    with JobSchedule(Path(monitoring)).only_one("run", "is being run"):
        assert run.main(["--config", monitoring, "--report", str(report)]) == 1
        assert launch.calls == []
        assert f"error: {monitoring} is being run already, by process " in capsys.readouterr().err
        assert not report.exists()
        # Another job, and a look at this one.
        assert run.main(["--config", monitoring, "--set", "monitoring.days=1"]) == 0
        assert run.main(["--config", monitoring, "--dry-run"]) == 0
    assert [call[0] for call in launch.calls] == ["launch", "plan"]


def test_a_dry_run_of_a_monitoring_job_leaves_nothing(
    launch: FakeLaunch, monitoring: str, home: Path
) -> None:
    assert run.main(["--config", monitoring, "--dry-run", "--stack", "local"]) == 0
    assert [call[0] for call in launch.calls] == ["plan"]
    assert not home.exists()


def test_a_monitoring_job_takes_all_options(
    launch: FakeLaunch, monitoring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    arguments = ["--set", "monitoring.days=2", "--stack", "local", "--no-cache"]

    assert run.main(["--config", monitoring, *arguments, "--report", str(report)]) == 0

    ((called, job, stack, use_cache),) = launch.calls
    assert (called, stack, use_cache) == ("launch", "local", False)
    assert (job.pipeline, job.monitoring.days) == ("monitoring", 2.0)
    assert json.loads(report.read_text())["status"] == "completed"
    assert capsys.readouterr() == ("it completed\n", "")


def test_a_monitoring_job_that_is_not_right_is_refused_and_leaves_no_earlier_report(
    launch: FakeLaunch, monitoring: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"status": "completed"}')

    arguments = ["--set", "monitoring.days=no", "--report", str(report)]
    assert run.main(["--config", monitoring, *arguments]) == 2
    assert capsys.readouterr().err.count("monitoring.days") == 1
    assert not report.exists()
    assert launch.calls == []


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
    heavy = {"pydantic", "yaml", "zenml", "tensorflow", "numpy"}
    assert loaded_by("import run\nrun.main(['--help'])", heavy) == "[]"


def test_a_reader_that_leaves_does_not_end_the_job() -> None:
    # As ``run.py … | head -1``: the first line is read, then both streams lead nowhere.
    launched = (
        "def launch(job, **rest):\n"
        "    print('step', flush=True)\n"
        "    sys.stdin.readline()\n"  # the reader is gone
        "    for number in range(3):\n"
        "        print('step', number, flush=True)\n"
        "        print('epoch', number, file=sys.stderr, flush=True)\n"
        "    return types.SimpleNamespace(status='stopped', summary=lambda: 'the end')\n"
    )
    code = (
        f"import pipelines, sys, types, runpy\n{launched}"
        "pipelines.launch = types.SimpleNamespace(launch=launch)\n"
        f"sys.argv = ['run.py', '--config', {CONFIG!r}]\n"
        "runpy.run_path('run.py', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=repository(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "step\n"
    process.stdout.close()
    process.stdin.write("\n")
    process.stdin.close()
    assert process.wait(timeout=60) == 3
