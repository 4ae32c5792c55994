"""``--report``: written however a job ended, and never that of another job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import run
from pipelines import report_file
from tests.run.conftest import CONFIG, FakeLaunch, FakeReport
from vision.errors import StackError


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


def test_a_report_that_cannot_be_written_is_told_before_anything_runs(
    launch: FakeLaunch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    report = tmp_path / "file" / "report.json"
    assert run.main(["--config", CONFIG, "--report", str(report)]) == 2
    assert launch.calls == []
    assert capsys.readouterr().err == (
        f"Error: --report {report} cannot be written: Not a directory; name a file that can\n"
    )


def test_the_summary_is_shown_even_if_the_report_cannot_be_written_any_more(
    launch: FakeLaunch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(path: Path, report: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_file, "write_report", fail)
    report = tmp_path / "report.json"
    assert run.main(["--config", CONFIG, "--report", str(report)]) == 1
    told = capsys.readouterr()
    assert told.out == "it completed\n"
    assert f"--report {report} cannot be written: No space left on device" in told.err


def test_a_refused_job_leaves_no_report_of_an_earlier_one(
    launch: FakeLaunch, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"status": "completed"}')
    assert run.main(["--config", "no.yaml", "--report", str(report)]) == 2
    assert not report.exists()


def test_a_killed_job_leaves_no_report_of_an_earlier_one(
    launch: FakeLaunch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"status": "completed"}')
    there_while_it_ran: list[bool] = []

    def look(job: object, **options: object) -> FakeReport:
        there_while_it_ran.append(report.exists())
        return FakeReport()

    monkeypatch.setattr(launch, "launch", look)
    assert run.main(["--config", CONFIG, "--report", str(report)]) == 0
    assert there_while_it_ran == [False]


def test_a_dry_run_has_nothing_to_report(
    launch: FakeLaunch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text('{"status": "completed"}')
    assert run.main(["--config", CONFIG, "--dry-run", "--report", str(report)]) == 2
    assert "--dry-run runs nothing to report; leave out --report" in capsys.readouterr().err
    assert report.read_text() == '{"status": "completed"}'
    assert launch.calls == []
