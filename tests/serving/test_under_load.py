"""The real service while processes end under load: nothing that was taken is lost."""

from __future__ import annotations

import os
import re
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
from tests.serving.drift.samples import wait_until
from tests.serving.models.running_service import Service, run_service

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PNG = encode_image(solid_image("red", (20, 20)))
N_CLIENTS = 4
# Times that the disk synced, about 1.5 s: what was answered before them is on it.
N_SYNCS = 30


@dataclass
class Seen:
    """What the clients of a service have met.

    Attributes:
      answered: when a request was begun and when it was answered, by its id.
      statuses: of all answers.
      broken: when a connection broke, and how.
    """

    answered: dict[str, tuple[float, float]] = field(default_factory=dict)
    statuses: set[int] = field(default_factory=set)
    broken: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def under_load(address: str) -> Iterator[Seen]:
    """Sends requests one after another from several clients until the block ends."""
    seen, stopped = Seen(), threading.Event()

    def send() -> None:
        with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
            while not stopped.is_set():
                began = time.monotonic()
                try:
                    response = client.post("/predict", files={"image": ("a.png", PNG)})
                except httpx.TransportError as error:
                    seen.broken.append((time.monotonic(), type(error).__name__))
                    time.sleep(0.05)
                    continue
                seen.statuses.add(response.status_code)
                if response.status_code == 200:
                    seen.answered[response.json()["request_id"]] = (began, time.monotonic())
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


@contextmanager
def disk_clock(folder: Path) -> Iterator[list[float]]:
    """Notes when the disk has synced, every 50 ms; it stands still while disk or machine do."""
    synced: list[float] = []
    stopped = threading.Event()

    def tick() -> None:
        with (folder / "clock").open("wb", buffering=0) as file:
            while not stopped.wait(0.05):
                file.write(b".")
                os.fdatasync(file.fileno())
                synced.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield synced
    finally:
        stopped.set()
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


def labels_counted(service: Service) -> set[str]:
    """Returns the labels of all images that the service has classified so far."""
    page = httpx.get(f"{service.address}/metrics", timeout=30, trust_env=False).text
    return set(re.findall(r'visionstack_predictions_total{label="(\w+)"', page))


def test_ls03_a_worker_that_is_killed_comes_back_and_only_its_requests_fail(
    tmp_path: Path,
) -> None:
    with run_service(tmp_path, {VERSION: 10.0}, n_workers=2) as service:
        before = workers_of(service)
        assert len(before) == 2, [_command(each) for each in before]
        with under_load(service.address) as seen, disk_clock(tmp_path) as synced:
            wait_until(lambda: len(seen.answered) > 0)
            n_before = len(synced)
            wait_until(lambda: len(synced) >= n_before + N_SYNCS + 20)
            safe_until = synced[-N_SYNCS]
            os.kill(before[0].pid, signal.SIGKILL)
            service.wait_for_line("(start, generation", 3)
            back_at, n_answered = time.monotonic(), len(seen.answered)
            wait_until(lambda: len(seen.answered) >= n_answered + 100)
        assert seen.statuses <= {200, 503}
        assert len(seen.broken) <= N_CLIENTS
        # What was answered just before the kill may not be on the disk yet.
        sure = {
            request_id
            for request_id, (began, ended) in seen.answered.items()
            if ended < safe_until or began > back_at
        }
        found = wait_until_logged(tmp_path / "service", sure)
        assert sure - set(found) == set()
        assert len(found) == len(set(found))


def test_mu08_a_service_that_is_stopped_answers_what_it_has_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("red", "blue")
    with run_service(tmp_path, {VERSION: 10.0}) as service:
        answers: dict[str, httpx.Response] = {}

        def send(label: str) -> None:
            large = encode_image(solid_image(label, (1500, 1500)))
            batch = [("images", ("a.png", large))] * 12
            url = f"{service.address}/predict_batch"
            answers[label] = httpx.post(url, files=batch, timeout=60, trust_env=False)

        threads = [threading.Thread(target=send, args=(label,)) for label in labels]
        for thread in threads:
            thread.start()
        wait_until(lambda: labels_counted(service) == set(labels))
        assert answers == {}
        service.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(60)
        assert service.process.wait(30) == 0
    entries = []
    for label in labels:
        assert answers[label].status_code == 200
        of_batch = [entry["answer"] for entry in answers[label].json()["entries"]]
        assert [each["prediction"]["label"] for each in of_batch] == [label] * 12
        entries += of_batch
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "service"))
    wanted = {each["request_id"] for each in entries}
    # What the service did not get into the database is stored by the next one that starts.
    log = PredictionLog(ServiceSettings())
    log.start()
    found = wait_until_logged(tmp_path / "service", wanted)
    log.stop()
    assert sorted(found) == sorted(wanted)
