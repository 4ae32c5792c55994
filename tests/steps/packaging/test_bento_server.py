"""A fake server in every way of going wrong: each is a problem, and nothing is left running."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from steps.packaging import bento_test, probing
from steps.packaging.bento_server import free_port, running_server
from steps.packaging.bento_test import Limits, try_server
from steps.packaging.containers import PackagingError
from steps.packaging.processes import family
from tests.fake_bundle import write_fake_bundle
from vision.packages import BentoTest

pytestmark = pytest.mark.integration

FAKE = Path(__file__).with_name("fake_server.py")
VARIABLES = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files of the test's own; no server outlives a test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())
    assert not [each for each in psutil.process_iter() if _is_fake(each)]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def _is_fake(process: psutil.Process) -> bool:
    try:
        home = process.environ().get("VISIONSTACK_HOME", "")
        is_ours = home.startswith(str(tempfile.tempdir))
        return is_ours and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def attempt(bundle: Path, mode: str, limits: Limits | None = None, **others: Any) -> BentoTest:
    found = try_server(
        lambda port, _: [sys.executable, "-S", str(FAKE), str(port), mode],
        bundle,
        limits or Limits(ready_s=20.0, stop_s=5.0),
        {**VARIABLES, "VISIONSTACK_BUNDLE": str(bundle)},
        **others,
    )
    return BentoTest(tag="fake:1", model="colours:1", n_packages=0, **found)


def test_a_server_that_does_all_right_passes(bundle: Path) -> None:
    found = attempt(bundle, "good")

    assert (found.problems, found.output, found.passed) == ((), "", True)
    assert (found.n_golden, found.golden_difference, found.exit_code) == (3, 0.0, 0)
    assert found.bad_images == {"empty": 415, "text": 415, "cut off": 415, "a gigapixel": 415}
    assert found.n_series == 1
    assert (found.cold_start_s or 0) > 0
    assert 1e6 < (found.memory_bytes or 0) < 1e9


@pytest.mark.fault
@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("wrong", "golden images: a probability differs by 1 from the stored one; the bundle"),
        ("does not start", "the server ended with 1"),
        ("500", "the bad image 'empty' was answered with 500, not 4xx"),
        ("no metrics", "/metrics has no series of the service"),
        ("ends badly", "after SIGTERM the server ended with 4, not 0"),
        ("leaves a child", "1 of its processes lived on after it had ended"),
        ("another answer", "the server's answer is not one of this project: KeyError('top')"),
        ("dies when asked", "the server did not answer: "),
    ],
)
def test_what_goes_wrong_is_a_problem_with_what_the_server_said(
    bundle: Path, mode: str, problem: str
) -> None:
    found = attempt(bundle, mode)

    assert found.problems[0].startswith(problem)
    assert found.output.startswith("the fake server starts")
    assert found.message.endswith(f"\nit said at the end:\n{found.output}")


@pytest.mark.fault
def test_a_server_that_hangs_is_ended(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempt(bundle, "hangs", Limits(ready_s=1.0, stop_s=5.0)).problems == (
        "the server is not ready after 1 s (nobody listens on its port)",
    )

    with monkeypatch.context() as impatient:
        impatient.setattr(probing, "_TIMEOUT_S", 0.5)
        [problem] = attempt(bundle, "never answers").problems
    assert problem == "the server did not answer: ReadTimeout('timed out')"

    ignored = attempt(bundle, "ignores SIGTERM", Limits(ready_s=20.0, stop_s=0.5))
    assert ignored.problems == ("after SIGTERM the server had not ended within 0.5 s",)
    assert ignored.exit_code is None


@pytest.mark.fault
def test_a_port_that_is_taken_costs_another_try(bundle: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        ports = [taken, taken, free_port()]
        assert attempt(bundle, "good", choose_port=lambda: ports.pop(0)).problems == ()
        assert ports == []

        [problem] = attempt(bundle, "good", choose_port=lambda: taken).problems
    assert problem == f"port {taken} is taken by another program"


def test_nothing_of_whoever_starts_it_reaches_the_server(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_LOG_DATABASE", "postgresql://db/precious")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    said = attempt(bundle, "no metrics").output

    told = json.loads(said.partition("starts ")[2].splitlines()[0])
    assert set(told) - {"LC_CTYPE"} == {
        *("BENTOML_HOME", "HOME", "LANG", "PATH", "TMPDIR", "VISIONSTACK_API_KEY"),
        *("VISIONSTACK_BUNDLE", "VISIONSTACK_HOME", "VISIONSTACK_REQUIRE_KEYS"),
    }


_DIES = f"""
import os, sys
from pathlib import Path
from steps.packaging.bento_server import running_server
bundle = sys.argv[1]
words = lambda port, _: [sys.executable, {str(FAKE)!r}, str(port), "leaves a child"]
with running_server(words, 0, {{"VISIONSTACK_BUNDLE": bundle}}) as server:
    print(server.folder, flush=True)
    os._exit(137)
"""


@pytest.mark.fault
def test_what_a_killed_process_has_left_is_ended_by_the_next(bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DIES, str(bundle)],
        cwd=Path(bento_test.__file__).parents[2],
        env={**os.environ, "TMPDIR": str(tempfile.tempdir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 137, done.stderr
    orphan = Path(done.stdout.strip())
    assert family(None, orphan)

    with running_server(lambda *_: [sys.executable, "-c", ""], free_port(), VARIABLES) as server:
        assert not family(None, orphan)
        assert not orphan.exists()
        with pytest.raises(PackagingError, match="the server ended with 0"):
            server.wait_until_ready(20.0)
