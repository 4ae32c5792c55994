"""The checking process as the worker sees it: asked, waited for at most so long, ended.

The detectors run in a process of their own, so that one that hangs can be ended, one that crashes
takes no request with it, and none takes memory or a core from the workers.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from vision.home import repository

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_FAULT = "VISIONSTACK_DRIFT_FAULT"
_MODULE = "serving.drift.process"
_MOST_BYTES = 8 << 20
_ENDS_WITHIN_S = 1.0


class CheckError(Exception):
    """There is no result; the message says why."""


class CheckingProcess:
    """One process, started when it is first asked and again after it has ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._read = b""
        self._deadline: float | None = None
        self._limit_s = 0.0
        self._asked_at = 0.0
        self._cpu_s: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a question has no answer yet."""
        return self._deadline is not None

    @property
    def seconds(self) -> float:
        """How long the question of now, or the last one, has taken."""
        return time.monotonic() - self._asked_at

    @property
    def cost_s(self) -> float:
        """Processor time of the last answer; where there was none, how long it was waited for."""
        return self.seconds if self._cpu_s is None else self._cpu_s

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        is_there = self._process is not None and self._process.poll() is None
        return self._process.pid if is_there and self._process else None

    def ask(self, question: Mapping[str, Any], within_s: float) -> None:
        """Sends a question, and starts the process if there is none; does not wait.

        Raises:
          CheckError: the process cannot be started, or has just ended.
        """
        self._number += 1
        self._read, self._cpu_s = b"", None
        self._limit_s, self._asked_at = within_s, time.monotonic()
        line = json.dumps({"number": self._number, **question}) + "\n"
        try:
            if self.pid is None:
                self.end()
                self._process = _start()
            assert self._process is not None
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError as error:
            self.end()
            raise CheckError(f"the checking process cannot be started or asked: {error}") from error
        self._deadline = self._asked_at + within_s

    def poll(self, wait_s: float = 0.0) -> dict[str, Any] | None:
        """Returns the answer; None where there is none yet.

        Args:
          wait_s: how long to wait for it.

        Raises:
          CheckError: the detectors failed, the process ended, or the time is over.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        # Not select(), which knows no handle above 1,023, and a busy worker has such.
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        until = time.monotonic() + wait_s
        while waiting.poll(1000 * max(0.0, until - time.monotonic())):
            data = os.read(handle, 1 << 16)
            self._read += data
            if not data or len(self._read) > _MOST_BYTES:
                raise self._failed(self._how_it_ended())
            if b"\n" in data:
                return self._answer()
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise self._failed(
                f"the detectors did not end within {self._limit_s:g} s; their process was ended, "
                "and the next check starts another"
            )
        return None

    def end(self) -> None:
        """Ends the process, whatever it does."""
        process, self._process, self._deadline = self._process, None, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                assert pipe is not None
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_WITHIN_S)

    def _answer(self) -> dict[str, Any]:
        self._deadline = None
        try:
            found = json.loads(self._read.partition(b"\n")[0])
            if found.pop("number") != self._number:
                raise ValueError("it answers another question")
            self._cpu_s = float(found.pop("cpu_s"))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise self._failed(f"the checking process gave no answer: {error}") from error
        if "error" in found:
            raise CheckError(str(found["error"]))
        return dict(found)

    def _how_it_ended(self) -> str:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_WITHIN_S)
        status = self._process.returncode
        how = f"by signal {-status}" if status is not None and status < 0 else f"with {status}"
        return f"the checking process ended {how}; the next check starts another"

    def _failed(self, reason: str) -> CheckError:
        self.end()
        return CheckError(reason)


def _start() -> subprocess.Popen[bytes]:
    root = str(repository())
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    # Settings hold keys and passwords, and the detectors need none of them.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VISIONSTACK_") or name == _FAULT
    }
    environment = (
        inherited | dict.fromkeys(_ONE_THREAD, "1") | {"PYTHONPATH": os.pathsep.join(paths)}
    )
    return subprocess.Popen(
        [sys.executable, "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=root,
    )
