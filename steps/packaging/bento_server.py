"""A server in a process of its own that inherits nothing, and of which nothing is left afterwards.

What a process that was killed has left running is ended by the next that starts a server.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from steps.packaging.containers import PackagingError
from steps.packaging.processes import end_family, family
from steps.process_name import process_name

_LOOKS_EVERY_S = 0.05
_LINES_KEPT = 30
_GONE_WITHIN_S = 2.0
_PREFIX = "visionstack-server-"
_OWNER = "owner"

# Port and own folder to the words of the command.
Command = Callable[[int, Path], Sequence[str]]


class PortTaken(PackagingError):
    """Another program listens where the server should."""


@dataclass(frozen=True)
class Server:
    """A server that was started.

    Attributes:
      process: its first process.
      folder: its own: working directory, home and temporary files.
      port: where it should listen on loopback.
      key: that its routes ask for.
      started: when it was started, in seconds of the monotonic clock.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    key: str
    started: float

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        """Returns the end of what it said."""
        said = _log(self.folder).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(said[-_LINES_KEPT:])

    def wait_until_ready(self, within_s: float) -> float:
        """Waits until it answers ``/readyz`` with 200; returns the seconds since it was started.

        Raises:
          PortTaken: another program listens on its port.
          PackagingError: it ended, or took too long.
        """
        last = "nobody listens on its port"
        with httpx.Client(timeout=5.0, trust_env=False) as client:
            while time.monotonic() - self.started < within_s:
                if self.process.poll() is not None:
                    self._check_port()
                    raise PackagingError(f"the server ended with {self.process.returncode}")
                # Another program that was there before would be asked otherwise.
                if self._is_open() and self._listens():
                    try:
                        response = client.get(f"{self.address}/readyz")
                    except httpx.HTTPError as error:
                        last = str(error)
                    else:
                        if response.status_code == 200:
                            return time.monotonic() - self.started
                        last = f"{response.status_code} {response.text[:200]}"
                time.sleep(_LOOKS_EVERY_S)
        self._check_port()
        raise PackagingError(f"the server is not ready after {within_s:g} s ({last})")

    def memory_bytes(self) -> int | None:
        """Returns the proportional set size of all its processes; None where nobody says it."""
        total = 0
        for process in self._family():
            try:
                total += int(process.memory_full_info().pss)
            except (AttributeError, psutil.AccessDenied):
                return None
            except psutil.NoSuchProcess:
                continue
        return total

    def stop(self, within_s: float) -> int | None:
        """Sends SIGTERM and waits; returns the exit status, None if it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def left_over(self) -> list[int]:
        """Returns the ids of processes that live on a moment after it has ended."""
        deadline = time.monotonic() + _GONE_WITHIN_S
        while (left := self._family()) and time.monotonic() < deadline:
            time.sleep(_LOOKS_EVERY_S)
        return [process.pid for process in left]

    def _family(self) -> list[psutil.Process]:
        return family(_pid(self.process), self.folder)

    def _listens(self) -> bool:
        for process in self._family():
            with suppress(psutil.Error):
                for each in process.net_connections(kind="tcp"):
                    if each.status == psutil.CONN_LISTEN and each.laddr.port == self.port:
                        return True
        return False

    def _check_port(self) -> None:
        if self._is_open() and not self._listens():
            raise PortTaken(f"port {self.port} is taken by another program")

    def _is_open(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def running_server(command: Command, port: int, variables: Mapping[str, str]) -> Iterator[Server]:
    """Starts a server inside the block; afterwards all of its processes are gone.

    Args:
      command: gives the program and its arguments.
      port: where it should listen.
      variables: all that it is told, beside its own folder and key.
    """
    _end_orphans()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    (folder / _OWNER).write_text(process_name(os.getpid()) or "", encoding="utf-8")
    (folder / "tmp").mkdir()
    key = secrets.token_hex(16)
    told = {
        **variables,
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "VISIONSTACK_HOME": str(folder),
        "VISIONSTACK_API_KEY": key,
        "VISIONSTACK_REQUIRE_KEYS": "yes",
    }
    try:
        words = list(command(port, folder))
        started = time.monotonic()
        process = _start(words, told, folder)
        try:
            yield Server(process, folder, port, key, started)
        finally:
            end_family(_pid(process), folder)
            process.wait(_GONE_WITHIN_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Returns a TCP port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(words: Sequence[str], told: Mapping[str, str], folder: Path) -> subprocess.Popen[bytes]:
    with _log(folder).open("wb") as output:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=told,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _pid(process: subprocess.Popen[bytes]) -> int | None:
    """Returns its number; None when it has ended, since another may have the number then."""
    return process.pid if process.poll() is None else None


def _log(folder: Path) -> Path:
    return folder / "output.txt"


def _end_orphans() -> None:
    """Ends the servers of processes that are no more, and removes their folders."""
    for folder in Path(tempfile.gettempdir()).resolve().glob(f"{_PREFIX}*"):
        try:
            owner = (folder / _OWNER).read_text(encoding="utf-8")
            if process_name(int(owner.partition(" ")[0])) == owner:
                continue
        except (OSError, ValueError):
            # It has just been made, or is somebody else's.
            continue
        end_family(None, folder)
        shutil.rmtree(folder, ignore_errors=True)
