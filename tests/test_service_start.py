"""service.py imported on its own: what stops the start, and calls inside the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = pytest.mark.integration


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program beside service.py, with these variables and no others of ours."""
    inherited = {key: value for key, value in os.environ.items() if "VISIONSTACK_" not in key}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository(),
        env=inherited | {f"VISIONSTACK_{name}": value for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BUNDLE", "/nope", " = '/nope': there is no such folder; name a bundle\n"),
        (
            "LOG_DATABASE",
            "postgresql://u:secret@CANARY@127.0.0.1/db",
            ": the address of the prediction log's database has more than one '@'; write an '@' in "
            "a user name or password as %40\n",
        ),
        ("API_KEY", ",", ": there is no key between the commas; write one, or unset it\n"),
    ],
)
def test_what_cannot_be_used_stops_the_start_in_a_sentence(
    name: str, value: str, said: str
) -> None:
    done = run_python("import service", **{name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"VISIONSTACK_{name}{said}"


def test_a_worker_does_not_exit_because_its_bundle_is_gone(tmp_path: Path) -> None:
    code = f"import os; os.environ['PROMETHEUS_MULTIPROC_DIR'] = {str(tmp_path)!r}; import service"
    done = run_python(code, BUNDLE="/nope", METRICS_FOLDER=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_feedback_in_the_process_gets_no_receipt_where_the_log_is_off(tmp_path: Path) -> None:
    code = (
        "import service\n"
        "from serving.problems import ProblemError\n"
        "try:\n"
        "    print(service.VisionService.inner.feedback.func(None, 'a' * 32, ['red']))\n"
        "except ProblemError as problem:\n"
        "    print(problem.kind.status.value, problem.detail)\n"
    )
    done = run_python(code, HOME=str(tmp_path), LOG="off")
    assert done.stdout == "404 Feedback is kept nowhere: the log is switched off.\n"
    done = run_python(code, HOME=str(tmp_path), LOG_SPOOL_BYTES="1")
    assert done.stdout == "503 Feedback cannot be kept now; try again later.\n"
