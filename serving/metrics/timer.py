"""Does something every so often on a thread of its own, such as setting gauges."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger("bentoml.visionstack")


class Timer:
    """Calls a function at an interval until it is stopped, and then once more."""

    def __init__(self, every_s: float, action: Callable[[], None]) -> None:
        """Starts nothing yet.

        Args:
          every_s: seconds between two calls.
          action: a failure of it is told in the service's own log, once for all that follow.
        """
        self._every_s = every_s
        self._action = action
        self._stopped = threading.Event()
        self._is_failing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="metrics-timer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(1.0)
            self._act()

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._act()

    def _act(self) -> None:
        try:
            self._action()
            self._is_failing = False
        except Exception:  # the boundary: one failure must not end all that come after it
            if not self._is_failing:
                logger.exception("What is done every %g s has a defect", self._every_s)
            self._is_failing = True
