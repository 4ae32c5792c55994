"""The drift check of a worker: one append in a request, everything else on a thread of its own.

All workers of this machine that serve a version share its window and its verdict
(:mod:`serving.drift.version`). Whatever a detector or the disk does (raise, hang, crash, answer
NaN, be full) becomes the verdict ``error`` with its reason, and no prediction notices.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from serving.drift.beginning import Followed
from serving.drift.checking import CheckingProcess
from serving.drift.places import Key
from serving.drift.plan import Plan
from serving.drift.verdict import Checked
from serving.drift.version import Report, VersionCheck
from serving.record import PredictionRecord, now
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel

logger = logging.getLogger("bentoml.visionstack")

_DEFECT = "The drift check has a defect; the log of the service says more."
OFF = "The drift check is switched off (VISIONSTACK_DRIFT=off)."
TURN_S = 0.5
_BUSY_TURN_S = 0.05
# What waits between two turns, at most; more predictions than that are not looked at.
_MAX_WAITING, _MAX_WAITING_BYTES = 500, 64 << 20
_STOPS_WITHIN_S = 3.0

Show = Callable[[Checked, int], None]


def _show_nothing(checked: Checked, n_waiting: int) -> None:
    pass


class DriftCheck:
    """The check of one worker process; :attr:`last` is replaced as a whole."""

    def __init__(
        self,
        settings: ServiceSettings,
        report: Report,
        show: Show = _show_nothing,
        turn_s: float = TURN_S,
    ) -> None:
        """Starts nothing yet.

        Args:
          settings: window, intervals and time limit.
          report: gets a record of every check that this worker had made.
          show: gets the verdict and the number of predictions in the window, now and then.
          turn_s: how often this worker looks.
        """
        self.is_on = settings.drift == "on"
        self.last = Checked() if self.is_on else Checked(detail=OFF)
        self._settings = settings
        self._report = report
        self._show = show
        self._turn_s = turn_s
        self._root = settings.log_folder / "drift"
        self._process = CheckingProcess()
        self._followed: Followed | None = None
        self._version: VersionCheck | None = None
        self._waiting: deque[PredictionRecord] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._is_failing = False
        self._shown: tuple[Checked, int] | None = None
        self._thread: threading.Thread | None = None

    @property
    def plan(self) -> Plan | None:
        """What is compared and how often; None as long as no model is followed."""
        return self._version.plan if self._version else None

    @property
    def n_waiting(self) -> int:
        """Predictions in the window."""
        return self._version.n_waiting if self._version else 0

    def start(self) -> None:
        """Starts the thread; a second call does nothing."""
        if self._thread is None and self.is_on:
            self._thread = threading.Thread(target=self._run, name="drift-check", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread and the checking process; what was predicted is in the window."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_STOPS_WITHIN_S)

    def follow(self, model: ServingModel, generation: int = 0) -> None:
        """Turns to the window of a model version, which is begun anew unless the process starts.

        Args:
          model: what is served.
          generation: which change of the active pointer brought it; 0 where none did.
        """
        key, before = (model.manifest.name, model.manifest.version), self._followed
        other_since = before.since if before and before.key != key else None
        followed = Followed(key, model.folder, generation, other_since)
        if not self.is_on or (before and followed.is_as(before)):
            return
        self._followed = followed
        self.last = Checked(key=key)
        self._wake.set()

    def of(self, key: Key) -> Checked:
        """Returns the last check if it is about this model version, else that there was none."""
        last = self.last
        return last if last.key == key or not self.is_on else Checked(key=key)

    def add(self, record: PredictionRecord) -> None:
        """Adds a prediction to the window, a moment later."""
        has_room = len(self._waiting) < _MAX_WAITING and self._waiting_bytes < _MAX_WAITING_BYTES
        if has_room and self.is_on:
            # Two threads may count one image for two; the limit need not be exact.
            self._waiting_bytes += record.pixels.nbytes + len(record.data)
            self._waiting.append(record)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(_BUSY_TURN_S if self._process.is_busy else self._turn_s)
            self._wake.clear()
            if not self._stopped.is_set():
                self._turn_safely()
        if self._version is not None:
            try:
                self._version.move(self._take())
            except OSError:
                logger.warning("The last predictions are not in the drift check's window")
            self._version.leave()

    def _turn_safely(self) -> None:
        try:
            self._turn()
            self._is_failing = False
        except Exception:  # the boundary: one failure must not end all checks that come after it
            if not self._is_failing:
                logger.exception("The drift check has a defect")
                self.last = self.last.failed(_DEFECT, now(), self.last.n_seen, 0)
            self._is_failing = True

    def _turn(self) -> None:
        followed, records = self._followed, self._take()
        if followed is None:
            return
        if self._version is None or self._version.followed != followed:
            if self._version is not None:
                self._version.leave()
            self._version = VersionCheck(
                self._root, followed, self._settings, self._process, self._report
            )
        self._version.turn(records)
        if followed == self._followed:
            self.last = self._version.last
            self._show_new(self.last, self._version.n_waiting)

    def _show_new(self, checked: Checked, n_waiting: int) -> None:
        if self._shown is None or self._shown[0] is not checked or self._shown[1] != n_waiting:
            self._show(checked, n_waiting)
        self._shown = (checked, n_waiting)

    def _take(self) -> list[PredictionRecord]:
        self._waiting_bytes = 0
        return [self._waiting.popleft() for _ in range(len(self._waiting))]
