"""Waiting that SIGTERM and Ctrl-C end at once, and work that they let finish."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

from vision.progress import say

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_NOT_STARTED = 1
_LOOK_EVERY_S = 30.0


class Stopping:
    """Takes SIGTERM and SIGINT inside the block; only in the main thread.

    The first asks to stop: a wait ends at once, a running process is left to finish. The second is
    passed on to that process.
    """

    def __init__(self) -> None:
        self.n_asked = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, Any] = {}

    @property
    def is_asked(self) -> bool:
        """Whether it was asked to stop."""
        return self.n_asked > 0

    def __enter__(self) -> Stopping:
        # A signal between a look at ``is_asked`` and the wait would be slept over. Written to a
        # pipe by Python's own handler, it ends the wait whenever it came.
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._reading)
        os.close(self._writing)

    def wait(self, seconds: float) -> None:
        """Waits, at most until it is asked to stop."""
        if not self.is_asked:
            ready, _, _ = select.select([self._reading], [], [], max(0.0, seconds))
            if ready:
                os.read(self._reading, 1024)  # of other signals too

    def run(self, command: Sequence[str], meanwhile: Callable[[], None]) -> int:
        """Runs a program to its end and returns its exit code, negative where a signal ended it.

        It gets a session of its own: Ctrl-C at a terminal would else reach it as well. One that
        cannot be started, for example for want of memory, has failed: 1.

        Args:
          command: the program and its arguments.
          meanwhile: is called every 30 seconds while it runs; must not raise.
        """
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            say(f"the run cannot be started ({error.strerror})")
            return _NOT_STARTED
        try:
            return _wait_for(self._process, meanwhile)
        finally:
            self._process = None

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.n_asked += 1
        if self.n_asked > 1 and self._process is not None:
            self._process.send_signal(signal.SIGTERM)


def _wait_for(process: subprocess.Popen[bytes], meanwhile: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            meanwhile()
