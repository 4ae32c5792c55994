"""Runs the detectors now and then on a thread of their own, and keeps the last verdict.

Every worker process checks the predictions that it made itself; nothing is shared among workers.

A prediction costs one append to a ring. Whatever a detector does (raise, hang, answer NaN, find no
reference set) becomes the verdict ``error`` with its reason, and no prediction notices.
"""

from __future__ import annotations

import logging
import math
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.drift.reference import Detectors, load_detectors
from serving.drift.window import Key, Window
from serving.record import DriftRecord, PredictionRecord, now
from serving.schema import DriftVerdict
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel

logger = logging.getLogger("bentoml.visionstack")

LEAST_IMAGES = 50
_HISTORY = 100
_ABOUT = "of the worker that answers; each worker checks its own predictions"

Report = Callable[[DriftRecord], None]


@dataclass(frozen=True)
class Checked:
    """The last check.

    Attributes:
      verdict: what is shown with predictions.
      key: name and version of the model that it is about.
      views: statistic, p-value and threshold of each view.
      detail: of whose predictions it is, or why there is no verdict.
    """

    verdict: DriftVerdict = field(default_factory=DriftVerdict)
    key: Key | None = None
    views: Mapping[str, Any] = field(default_factory=dict)
    detail: str = "no check has run yet in the worker that answers"


class DriftCheck:
    """The check of one worker process; :attr:`last` is replaced as a whole."""

    def __init__(
        self,
        settings: ServiceSettings,
        report: Report,
        load: Callable[[Path], Detectors] = load_detectors,
    ) -> None:
        """Starts nothing yet.

        Args:
          settings: window, intervals and time limit.
          report: gets a record of every check.
          load: makes the detectors of a bundle.
        """
        self.window = Window(settings.drift_window)
        self.last = Checked()
        self.history: deque[DriftVerdict] = deque(maxlen=_HISTORY)
        self._settings = settings
        self._report = report
        self._load = load
        self._folder: Path | None = None
        self._loaded: tuple[Path, Detectors] | None = None
        self._running: Future[Mapping[str, Any]] | None = None
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to look at the window; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="drift-check", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a detector that hangs is left behind."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def follow(self, model: ServingModel) -> None:
        """Starts a new window for another model version."""
        key = (model.manifest.name, model.manifest.version)
        if key != self.last.key:
            self._folder = model.folder
            self.window.restart(key)
            self.last = Checked(key=key)

    def add(self, record: PredictionRecord) -> None:
        """Adds a prediction to the window."""
        if self.window.add(record) >= self._settings.drift_every_n:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(self._settings.drift_every_s)
            self._wake.clear()
            if not self._stopped.is_set() and self.window.n_new and len(self.window) >= self._least:
                self.check_now()

    @property
    def _least(self) -> int:
        return min(LEAST_IMAGES, self._settings.drift_window)

    def check_now(self) -> None:
        """Runs the detectors on the window as it is, and waits for them at most so long."""
        key, rows = self.window.take()
        if key is None or not rows:
            return
        n_images, failure = len(rows["embedding_bbsd"]), ""
        try:
            views = self._bounded(rows)
            is_drift = any(view["is_drift"] for view in views.values())
            status = "drift" if is_drift else "ok"
        except Exception as error:  # noqa: BLE001 - whatever a detector does, predictions go on
            logger.warning("The drift check failed: %s", error)
            views, status, failure = {}, "error", f"{type(error).__name__}: {error}"
        verdict = DriftVerdict.model_validate(
            {"status": status, "checked_at": now(), "n_images": n_images}
        )
        if key != self.window.key:
            return
        self.last = Checked(verdict, key, views, failure or _ABOUT)
        self.history.append(verdict)
        told = {"error": failure} if failure else dict(views)
        self._report(DriftRecord(uuid.uuid4().hex, *key, status, n_images, told))

    def _bounded(self, rows: Mapping[str, Any]) -> Mapping[str, Any]:
        """Runs the detectors on a thread that is waited for so long and then left alone."""
        if self._running is not None and not self._running.done():
            raise TimeoutError("the check before this one still hangs; restart the service")
        future: Future[Mapping[str, Any]] = Future()
        self._running = future
        threading.Thread(
            target=self._work, args=(future, rows), name="drift-detectors", daemon=True
        ).start()
        limit_s = self._settings.drift_timeout_s
        try:
            return future.result(limit_s)
        except TimeoutError as error:
            raise TimeoutError(f"the detectors did not end within {limit_s:g} s") from error

    def _work(self, future: Future[Mapping[str, Any]], rows: Mapping[str, Any]) -> None:
        try:
            folder, loaded = self._folder, self._loaded
            assert folder is not None
            if loaded is None or loaded[0] != folder:
                self._loaded = loaded = (folder, self._load(folder))
            future.set_result({view: _tested(loaded[1], view, rows) for view in rows})
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            future.set_exception(error)


def _tested(detectors: Detectors, view: str, rows: Mapping[str, Any]) -> dict[str, Any]:
    test = detectors[view].check(rows[view])
    if not (math.isfinite(test.statistic) and math.isfinite(test.p_value)):
        raise ValueError(f"{view}: statistic {test.statistic}, p-value {test.p_value}")
    return {
        "statistic": test.statistic,
        "p_value": test.p_value,
        "threshold": test.threshold,
        "is_drift": test.is_drift,
    }
