"""Asks a service fifty times a second, with a new connection each time, and keeps what it said."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

REQUESTS_PER_S = 50

_ANSWERED_WITHIN_S = 60.0


class Traffic:
    """What was sent and answered: statuses, versions in order, errors of the connection."""

    def __init__(self, address: str, image: bytes) -> None:
        self.n_sent = 0
        self.statuses: Counter[int] = Counter()
        self.versions: list[str] = []
        self.errors: list[str] = []
        self._address, self._image = address, image
        self._stopped = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Asks inside the block."""
        limits = httpx.Limits(max_keepalive_connections=0)
        with (
            httpx.Client(
                base_url=self._address, timeout=30, trust_env=False, limits=limits
            ) as client,
            ThreadPoolExecutor(20) as threads,
        ):
            sender = threading.Thread(target=self._send, args=(client, threads))
            sender.start()
            try:
                yield
            finally:
                self._stopped.set()
                sender.join()

    def wait_for(self, n_answers: int) -> None:
        """Waits until so many requests were answered well."""
        deadline = time.monotonic() + _ANSWERED_WITHIN_S
        while self.statuses[200] < n_answers:
            assert time.monotonic() < deadline, (self.statuses, self.errors)
            time.sleep(0.05)

    def _send(self, client: httpx.Client, threads: ThreadPoolExecutor) -> None:
        start = time.monotonic()
        while not self._stopped.is_set():
            threads.submit(self._ask, client)
            self.n_sent += 1
            time.sleep(max(0.0, start + self.n_sent / REQUESTS_PER_S - time.monotonic()))

    def _ask(self, client: httpx.Client) -> None:
        try:
            response = client.post("/predict", files={"image": ("a.png", self._image)})
            self.statuses[response.status_code] += 1
            if response.status_code == 200:
                self.versions.append(response.json()["model"]["version"])
        except httpx.HTTPError as error:
            self.errors.append(repr(error))
