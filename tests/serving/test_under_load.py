"""The real service while processes end under load: nothing that was taken is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from serving.log import PredictionLog
from serving.settings import ServiceSettings
from tests.fake_bundle import VERSION, encode_image, solid_image
from tests.serving.models.running_service import Service, run_service

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PNG = encode_image(solid_image("red", (20, 20)))
N_CLIENTS = 4


@dataclass
class Seen:
    """What the clients of a service have met."""

    answered: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    broken: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def under_load(address: str) -> Iterator[Seen]:
    """Sends requests one after another from several clients until the block ends."""
    seen, stopped = Seen(), threading.Event()

    def send() -> None:
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            while not stopped.is_set():
                try:
                    response = client.post("/predict", files={"image": ("a.png", PNG)})
                except httpx.TransportError as error:
                    seen.broken.append((time.monotonic(), type(error).__name__))
                    time.sleep(0.05)
                    continue
                seen.statuses.add(response.status_code)
                if response.status_code == 200:
                    seen.answered.append(response.json()["request_id"])
                time.sleep(0.01)

    threads = [threading.Thread(target=send) for _ in range(N_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        for thread in threads:
            thread.join(60)


def workers_of(service: Service) -> list[psutil.Process]:
    """Returns the processes that answer."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    return [each for each in children if "worker" in " ".join(_command(each))]


def _command(process: psutil.Process) -> list[str]:
    """Returns a process's command; that of one that has just ended is empty."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def logged(home: Path) -> list[str]:
    """Returns the request ids in the prediction log."""
    connection = sqlite3.connect(home / "logs/service/predictions.sqlite")
    rows = connection.execute("select request_id from predictions").fetchall()
    connection.close()
    return [name for (name,) in rows]


def wait_until_logged(home: Path, wanted: set[str]) -> list[str]:
    deadline = time.monotonic() + 60
    while not wanted <= set(found := logged(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_ls03_a_worker_that_is_killed_comes_back_and_only_its_requests_fail(
    tmp_path: Path,
) -> None:
    with run_service(tmp_path, {VERSION: 10.0}, n_workers=2) as service:
        before = workers_of(service)
        assert len(before) == 2, [_command(each) for each in before]
        with under_load(service.address) as seen:
            time.sleep(2)
            killed_at = time.monotonic()
            os.kill(before[0].pid, signal.SIGKILL)
            while {each.pid for each in workers_of(service)} <= {before[1].pid}:
                assert time.monotonic() - killed_at < 60
                time.sleep(0.1)
            service.wait_for_line("(start, generation", 3)
            time.sleep(2)
        assert seen.statuses <= {200, 503}
        assert len(seen.broken) <= N_CLIENTS
        found = wait_until_logged(tmp_path / "service", set(seen.answered))
        # Acknowledged within the last 50 ms before the kill, a record may not be on the disk yet.
        assert len(set(seen.answered) - set(found)) <= 2 * N_CLIENTS
        assert len(found) == len(set(found))


def test_mu08_a_service_that_is_stopped_answers_what_it_has_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = encode_image(solid_image("red", (1500, 1500)))
    batch = [("images", ("a.png", large))] * 12
    with run_service(tmp_path, {VERSION: 10.0}) as service:
        answers: list[httpx.Response] = []

        def send() -> None:
            url = f"{service.address}/predict_batch"
            answers.append(httpx.post(url, files=batch, timeout=60, trust_env=False))

        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert answers == []
        service.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        assert service.process.wait(30) == 0
    assert [each.status_code for each in answers] == [200, 200]
    entries = [entry["answer"] for each in answers for entry in each.json()["entries"]]
    assert {each["prediction"]["label"] for each in entries} == {"red"}
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "service"))
    wanted = {each["request_id"] for each in entries}
    # What the service did not get into the database is stored by the next one that starts.
    log = PredictionLog(ServiceSettings())
    log.start()
    found = wait_until_logged(tmp_path / "service", wanted)
    log.stop()
    assert sorted(found) == sorted(wanted)
