"""The checking process: what it answers, that it can be ended, and what it never imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving.drift.checking import CheckError, CheckingProcess
from serving.drift.making import layout_of, make_rows
from serving.drift.window import Window
from tests.serving.drift.samples import copied, predictions
from vision.bundles.load import ServingModel
from vision.home import repository

pytestmark = pytest.mark.unit

LOADS_WITHIN_S = 300.0


@pytest.fixture
def process() -> Iterator[CheckingProcess]:
    made = CheckingProcess()
    yield made
    made.end()


@pytest.fixture
def window(tmp_path: Path, model: ServingModel) -> Path:
    """A window of 100 usual predictions."""
    records = predictions(model, 100)
    made = Window(tmp_path / "window", 100)
    made.append(make_rows(records, layout_of(records[0])), layout_of(records[0]))
    made.close()
    return made.path


def answer(process: CheckingProcess, within_s: float = 30.0, **question: Any) -> dict[str, Any]:
    process.ask(question, within_s)
    assert process.is_busy
    while (found := process.poll(wait_s=1.0)) is None:
        continue
    assert not process.is_busy
    return found


def loaded(process: CheckingProcess, bundle: Path) -> None:
    assert answer(process, LOADS_WITHIN_S, load=str(bundle)) == {"loaded": str(bundle)}


def check(process: CheckingProcess, window: Path, within_s: float = 30.0) -> dict[str, Any]:
    return answer(process, within_s, window=str(window), most=None)


def test_it_checks_a_window_behind_the_requests(
    process: CheckingProcess, drift_bundle: Path, window: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_API_KEY", "canary-key")
    monkeypatch.setenv("VISIONSTACK_LOG_DATABASE", "postgresql://me:canary@db/log")
    loaded(process, drift_bundle)
    found = check(process, window)
    assert (found["n_images"], found["n_seen"], found["is_drift"]) == (100, 100, False)
    assert [test["n_images"] for test in found["tests"] if test["view"] == "uae"] == [20, 50, 100]
    assert set(found["views"]) == {"uae", "bbsd", "penultimate", "properties", "classes"}
    assert found["examples"] == []
    assert process.pid is not None
    assert psutil.Process(process.pid).nice() >= 10
    environment = psutil.Process(process.pid).environ()
    assert "canary" not in str(environment)
    assert environment["OMP_NUM_THREADS"] == "1"
    assert names_of(process.pid) & {"tensorflow", "onnxruntime", "cv2", "sqlalchemy"} == set()


def test_dr01_a_detector_that_hangs_is_ended_and_the_next_check_works(
    process: CheckingProcess, drift_bundle: Path, window: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", "hang")
    loaded(process, drift_bundle)
    pid = process.pid
    assert pid is not None
    with pytest.raises(CheckError) as caught:
        check(process, window, 0.2)
    assert str(caught.value) == (
        "the detectors did not end within 0.2 s; their process was ended, and the next check "
        "starts another"
    )
    assert not psutil.pid_exists(pid)
    assert process.pid is None
    monkeypatch.delenv("VISIONSTACK_DRIFT_FAULT")
    loaded(process, drift_bundle)
    assert check(process, window)["n_images"] == 100


def test_dr01_a_detector_that_crashes_is_a_sentence(
    process: CheckingProcess, drift_bundle: Path, window: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", "exit")
    loaded(process, drift_bundle)
    with pytest.raises(CheckError) as caught:
        check(process, window)
    said = "the checking process ended with 139; the next check starts another"
    assert str(caught.value) == said


def test_what_a_library_prints_does_not_come_between_the_answers(
    process: CheckingProcess, drift_bundle: Path, window: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", "noise")
    loaded(process, drift_bundle)
    for _ in range(2):
        assert check(process, window)["n_images"] == 100


def test_a_process_that_was_killed_is_told_and_replaced(
    process: CheckingProcess, drift_bundle: Path, window: Path
) -> None:
    loaded(process, drift_bundle)
    assert process.pid is not None
    before = process.pid
    process.ask({"window": str(window), "most": None}, 30)
    os.kill(before, signal.SIGKILL)
    with pytest.raises(CheckError, match="ended by signal 9"):
        process.poll(30)
    loaded(process, drift_bundle)
    assert process.pid != before


def test_it_ends_with_whoever_started_it_also_in_a_check(
    drift_bundle: Path, window: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", "hang")
    started = subprocess.Popen(
        [sys.executable, "-m", "serving.drift.process"],
        cwd=repository(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdin is not None
    assert started.stdout is not None
    for question in ({"load": str(drift_bundle)}, {"window": str(window), "most": None}):
        started.stdin.write(json.dumps({"number": 1, **question}) + "\n")
        started.stdin.flush()
    assert json.loads(started.stdout.readline())["number"] == 1
    started.stdin.close()
    assert started.wait(30) == 0
    started.stdout.close()


def names_of(pid: int) -> set[str]:
    """Returns the packages whose libraries a process has in memory."""
    paths = [Path(each.path).parts for each in psutil.Process(pid).memory_maps()]
    return {
        path[path.index("site-packages") + 1].lower() for path in paths if "site-packages" in path
    }


def test_alibi_detect_does_without_tensorflow(
    process: CheckingProcess, drift_bundle: Path, window: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers", reason="alibi-detect is not installed with its own needs")
    bundle = copied(drift_bundle, tmp_path / "bundle")
    file = bundle / "drift" / "detectors.json"
    file.write_text(file.read_text().replace('"backend": "scipy"', '"backend": "alibi"'))
    loaded(process, bundle)
    assert check(process, window)["n_images"] == 100
    assert process.pid is not None
    assert names_of(process.pid) & {"tensorflow", "torch", "onnxruntime"} == set()
