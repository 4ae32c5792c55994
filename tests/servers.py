"""Starts the servers of a test, waits until they answer, and stops them."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from vision.home import repository

_STOPS_WITHIN_S = 30


def free_port() -> int:
    """Returns a TCP port of this machine on which nothing listens.

    None that the kernel gives out by itself: a server asks it for more ports when it starts, and
    would get the very one that it was told to listen on.
    """
    for port in random.SystemRandom().sample(range(15_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports are all taken")


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    health: str,
    within_s: float,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server of the repository inside the block.

    Args:
      command: the program and its arguments.
      environment: its whole environment.
      log: where its output goes.
      health: the URL that answers 200 once it is ready.
      within_s: how long that may take.
      stop: what asks it to end.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=repository(), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(process, health, within_s, log)
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait(process: subprocess.Popen[bytes], health: str, within_s: float, log: Path) -> None:
    deadline = time.monotonic() + within_s
    last: object = "no answer"
    with httpx.Client(timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                response = client.get(health)
                if response.status_code == 200:
                    return
                last = response.text
            except httpx.TransportError as error:
                last = error
            time.sleep(0.1)
    raise AssertionError(f"{health} is not ready: {last}\n{log.read_text()[-3000:]}")
