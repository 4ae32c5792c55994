"""Lets a candidate answer images that were answered already, for the prediction log alone.

One thread of low priority, and a queue that is short in number and bytes: no request waits for it,
and what it cannot take in time is dropped and counted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable

from serving.metrics.metrics import Outcome, Role
from serving.predict import predict_pixels
from serving.record import PredictionRecord, Record
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel

logger = logging.getLogger("bentoml.visionstack")

MAX_WAITING = 32
MAX_WAITING_BYTES = 64 * 1024 * 1024

_NICE = 10
_STOPS_WITHIN_S = 2.0

Count = Callable[[Role, Outcome, float | None], None]


class Shadow:
    """Answers again what was answered.

    Args:
      settings: of the service.
      put: takes the record to the log; a log that takes nothing more loses it.
      count: counts what came of an image.
    """

    def __init__(
        self, settings: ServiceSettings, put: Callable[[Record], object], count: Count
    ) -> None:
        self._settings = settings
        self._put = put
        self._count = count
        self._waiting: deque[tuple[ServingModel, PredictionRecord]] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._is_stopped = False
        self._is_failing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; what waits is dropped."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_STOPS_WITHIN_S)

    def add(self, model: ServingModel, answered: PredictionRecord) -> None:
        """Takes an image, or drops it where too many wait; never raises and never waits long."""
        n_bytes = _size(answered)
        with self._changed:
            is_taken = (
                len(self._waiting) < MAX_WAITING
                and self._waiting_bytes + n_bytes <= MAX_WAITING_BYTES
            )
            if is_taken:
                self._waiting.append((model, answered))
                self._waiting_bytes += n_bytes
                self._changed.notify()
        if not is_taken:
            self._count("shadow", "dropped", None)

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # where priorities of threads may not be set
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (taken := self._next()) is not None:
            self._answer(*taken)

    def _next(self) -> tuple[ServingModel, PredictionRecord] | None:
        with self._changed:
            while not self._waiting and not self._is_stopped:
                self._changed.wait()
            if self._is_stopped:
                return None
            taken = self._waiting.popleft()
            self._waiting_bytes -= _size(taken[1])
            return taken

    def _answer(self, model: ServingModel, answered: PredictionRecord) -> None:
        try:
            record = predict_pixels(model, answered, self._settings)
            self._put(record)
            self._is_failing = False
        except Exception:  # the boundary: the image was answered, whatever the candidate does
            if not self._is_failing:
                logger.exception("The candidate cannot answer in the shadow")
            self._is_failing = True
            self._count("shadow", "error", None)
            return
        self._count("shadow", "ok", record.latency_s)


def _size(answered: PredictionRecord) -> int:
    return answered.pixels.nbytes + len(answered.data)
