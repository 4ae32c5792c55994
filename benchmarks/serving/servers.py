"""Starts a server in processes of its own, and says what it costs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from client import ask, get_request

from vision.home import repository

_HERE = Path(__file__).parent
_READY_WITHIN_S = 120.0
_STOPS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Server:
    """A server that is ready.

    Attributes:
      port: on loopback.
      process: its first process.
      ready_s: from the start of the process to the first 200 of ``/readyz``.
    """

    port: int
    process: psutil.Process
    ready_s: float

    def workers(self) -> list[psutil.Process]:
        """Returns the processes that answer: the children, or the first process where none."""
        return self.process.children(recursive=True) or [self.process]

    def memory_mb(self) -> float:
        """Returns the memory of the largest worker: its own pages, and its share of common ones."""
        return max(worker.memory_full_info().pss for worker in self.workers()) / 1e6

    def cpu_s(self) -> float:
        """Returns the processor time of all its processes so far."""
        times = [each.cpu_times() for each in {self.process, *self.workers()}]
        return sum(each.user + each.system for each in times)


@contextmanager
def service(
    bundle: Path, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Runs the project's service around a bundle, its files below ``folder``."""
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port"]
    environment = {
        "VISIONSTACK_HOME": str(folder / "home"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "VISIONSTACK_BUNDLE": str(bundle),
        **(settings or {}),
    }
    with _running(command, environment, folder) as server:
        yield server


@contextmanager
def bare(bundle: Path, folder: Path) -> Iterator[Server]:
    """Runs ``bare.py``."""
    with _running(_uvicorn("bare:app"), {"VISIONSTACK_BUNDLE": str(bundle)}, folder) as server:
        yield server


@contextmanager
def baseline(bundle: Path, folder: Path) -> Iterator[Server]:
    """Runs ``baseline.py``."""
    environment = {
        "VISIONSTACK_BUNDLE": str(bundle),
        "BASELINE_DATABASE": f"sqlite:///{folder / 'baseline.sqlite'}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with _running(_uvicorn("baseline:app"), environment, folder) as server:
        yield server


def _uvicorn(app: str) -> list[str]:
    options = ["--app-dir", str(_HERE), "--no-access-log", "--log-level", "warning", "--port"]
    return [sys.executable, "-m", "uvicorn", app, *options]


@contextmanager
def _running(command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VISIONSTACK_")}
    started = time.perf_counter()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(port)],
            cwd=repository(),
            env={**kept, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, folder / "server.log")
        ready_s = time.perf_counter() - started
        yield Server(port, psutil.Process(process.pid), ready_s)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.perf_counter() + _READY_WITHIN_S
    while time.perf_counter() < deadline and process.poll() is None:
        try:
            if ask(port, get_request("/readyz"))[0] == 200:
                return
        except (OSError, EOFError):
            pass
        time.sleep(0.05)
    raise SystemExit(f"{process.args} is not ready; its output ends\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
