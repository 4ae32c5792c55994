"""The real service with two workers: one verdict, and no prediction fails whatever dies."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from serving.drift.window import read_window
from tests.drift_bundle import make_images, write_drift_bundle
from tests.fake_bundle import NAME, VERSION, encode_image
from tests.serving.models.running_service import Service, run_service
from tests.serving.test_under_load import under_load, workers_of

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WAIT_S = 60.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("service") / "bundle"
    write_drift_bundle(folder)
    return folder


def variables(bundle: Path, **more: str) -> dict[str, str]:
    usual = {"VISIONSTACK_BUNDLE": str(bundle), "VISIONSTACK_DRIFT_EVERY_S": "1"}
    return usual | more


def send(service: Service, n: int, shift: float = 0.0) -> set[str]:
    """Sends images, a connection each so that both workers answer, and returns the verdicts."""
    verdicts = set()
    for image in make_images(n, seed=3, shift=shift):
        files = {"image": ("a.png", encode_image(image))}
        answer = httpx.post(f"{service.address}/predict", files=files, timeout=30, trust_env=False)
        assert answer.status_code == 200
        verdicts.add(answer.json()["drift"]["status"])
    return verdicts


def drift(service: Service) -> dict[str, Any]:
    return dict(httpx.get(f"{service.address}/drift", timeout=30, trust_env=False).json())


def wait_for(what: Callable[[], object], said: object = "") -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, said or what
        time.sleep(0.1)


def metric(service: Service, name: str) -> float:
    page = httpx.get(f"{service.address}/metrics", timeout=30, trust_env=False).text
    lines = [each for each in page.splitlines() if each.startswith(f"visionstack_{name} ")]
    return float(lines[0].split()[1]) if lines else 0.0


def checkers(service: Service) -> dict[int, int]:
    """Returns the checking processes by the process id of their worker."""
    found = {}
    for each in psutil.Process(service.process.pid).children(recursive=True):
        try:
            if "serving.drift.process" in each.cmdline():
                found[each.ppid()] = each.pid
        except psutil.Error:
            continue
    return found


def told(home: Path) -> list[tuple[str, str]]:
    """Returns status and detail of the checks in the prediction log, in the order of time."""
    connection = sqlite3.connect(home / "logs/service/predictions.sqlite")
    rows = connection.execute("select status, detail from drift_checks order by time").fetchall()
    connection.close()
    return rows


def n_seen(home: Path) -> int:
    path = home / "logs/service/drift" / NAME / VERSION / "window.rows"
    return read_window(path)[1] if path.exists() else 0


def test_two_workers_have_one_verdict_that_survives_kills_and_a_restart(
    tmp_path: Path, bundle: Path
) -> None:
    home = tmp_path / "service"
    with run_service(tmp_path, {}, n_workers=2, **variables(bundle)) as service:
        send(service, 110)
        # Every connection may be another worker's.
        wait_for(lambda: send(service, 6) == {"ok"})
        assert [drift(service)["n_waiting"] for _ in range(6)] == [100] * 6
        (elected,), (checker,) = zip(*checkers(service).items(), strict=True)

        os.kill(checker, signal.SIGKILL)
        n_checks = metric(service, "drift_checks_total")
        send(service, 20)
        wait_for(lambda: metric(service, "drift_checks_total") > n_checks)
        wait_for(lambda: checkers(service).get(elected, checker) != checker)

        os.kill(elected, signal.SIGKILL)
        service.wait_for_line("(start, generation", 3)
        assert len(workers_of(service)) == 2
        before = drift(service)
        wait_for(lambda: "ok" in send(service, 5))
        send(service, 60, shift=60)
        wait_for(lambda: drift(service)["verdict"]["status"] == "drift", before)
        assert elected not in checkers(service)
        assert len(checkers(service)) == 1
        wait_for(lambda: send(service, 6, shift=60) == {"drift"})
        history = drift(service)["history"]
        left = [psutil.Process(pid) for pid in checkers(service).values()]
    assert psutil.wait_procs(left, timeout=20)[1] == []
    written = n_seen(home)
    assert written >= 150
    with run_service(tmp_path, {}, n_workers=1, **variables(bundle)) as service:
        wait_for(lambda: drift(service)["verdict"]["status"] == "drift")
        report = drift(service)
        assert report["n_waiting"] == 100
        assert report["history"][: len(history)] == history
        assert n_seen(home) == written


def test_dr01_under_load_no_prediction_fails_with_the_detectors(
    tmp_path: Path, bundle: Path
) -> None:
    faults = {"VISIONSTACK_DRIFT_FAULT": "raise,nan,hang", "VISIONSTACK_DRIFT_TIMEOUT_S": "2"}
    with run_service(tmp_path, {}, **variables(bundle, **faults)) as service:
        with under_load(service.address) as seen:
            wait_for(lambda: metric(service, "drift_errors_total") >= 4)
            # On a busy machine also a check that would end may take longer than 2 s.
            every = "told to fail.*must be finite.*did not end within 2 s.*told to fail"
            wait_for(lambda: re.search(every, str(told(tmp_path / "service"))))
        assert seen.statuses == {200}
        assert seen.broken == []
        assert len(seen.answered) > 20
        assert drift(service)["verdict"]["status"] == "error"
        assert metric(service, "drift_status") == 2
    assert {status for status, _ in told(tmp_path / "service")} == {"error"}
