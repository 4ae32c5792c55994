"""SIGTERM and Ctrl-C: a wait ends at once, a running process may finish, twice reaches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import stopping as module
from pipelines.stopping import Stopping
from vision.home import repository

pytestmark = pytest.mark.unit

_HOUR_S = 3600.0


def _pass() -> None:
    """Nothing is done meanwhile."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Nothing is left of it when it ends."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_wait_ends_at_once(number: signal.Signals) -> None:
    with Stopping() as stopping:
        timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
        timer.start()
        stopping.wait(_HOUR_S)
        timer.join()
        assert stopping.is_asked


def test_a_signal_before_the_wait_is_not_slept_over() -> None:
    with Stopping() as stopping:
        os.kill(os.getpid(), signal.SIGTERM)
        stopping.n_asked = 0  # as if it came after the look at it
        stopping.wait(_HOUR_S)


def test_a_wait_without_a_signal_just_ends() -> None:
    with Stopping() as stopping:
        stopping.wait(0.01)
        stopping.wait(-5.0)
        assert not stopping.is_asked


def test_a_running_process_finishes_and_its_code_is_known() -> None:
    code = f"import os, signal; os.kill({os.getpid()}, signal.SIGTERM); raise SystemExit(4)"
    with Stopping() as stopping:
        assert stopping.run([sys.executable, "-c", code], _pass) == 4
        assert stopping.is_asked


@pytest.mark.fault
def test_somebody_looks_after_a_process_while_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.02)
    end, looks = tmp_path / "end", []
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "while not Path(sys.argv[1]).exists(): time.sleep(0.01)\nraise SystemExit(7)"
    )

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            end.touch()

    with Stopping() as stopping:
        assert stopping.run([sys.executable, "-c", code, str(end)], look) == 7
    assert looks[:3] == [0, 1, 2]


def test_asked_twice_it_passes_the_wish_on() -> None:
    code = (
        # Two that come while nobody looks are one.
        "import os, signal, time\n"
        f"while True: os.kill({os.getpid()}, signal.SIGTERM); time.sleep(0.2)"
    )
    with Stopping() as stopping:
        assert stopping.run([sys.executable, "-c", code], _pass) == -signal.SIGTERM


def test_a_process_has_a_session_and_no_input_of_its_own() -> None:
    code = (
        "import os, sys\n"
        "raise SystemExit(10 if os.getsid(0) == os.getpid() and not sys.stdin.read() else 1)"
    )
    with Stopping() as stopping:
        assert stopping.run([sys.executable, "-c", code], _pass) == 10


@pytest.mark.fault
def test_a_process_that_cannot_be_started_has_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with Stopping() as stopping:
        assert stopping.run([sys.executable, "-c", ""], _pass) == 1
    assert capsys.readouterr().err == "the run cannot be started (Cannot allocate memory)\n"


_FOREVER = """
import sys
from pathlib import Path
from pipelines.forever import run_forever
from pipelines.schedule import JobSchedule
from pipelines.stopping import Stopping
with Stopping() as stopping:
    run_forever(JobSchedule(Path("x.yaml")), lambda: "0 3 1 1 *", lambda _: 1, print, stopping)
print("the end")
"""


@pytest.mark.integration
@pytest.mark.usefixtures("home")
def test_the_loop_ends_cleanly_when_it_is_terminated_while_waiting() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _FOREVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=repository(),
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("next run at ")
    process.send_signal(signal.SIGTERM)

    output, errors = process.communicate(timeout=60)

    assert (process.returncode, output, errors) == (0, "the end\n", "")
