"""Counts what the service does; every method is safe in every thread and never raises."""

from __future__ import annotations

import logging
import math
import threading
from typing import Literal

from prometheus_client import CollectorRegistry

from serving.drift.verdict import Checked
from serving.metrics.families import MAX_LABELS, OTHER, Families
from serving.metrics.workers import forget_dead_workers, render, shared_folder
from vision.drift.names import VIEWS

logger = logging.getLogger("bentoml.visionstack")

Role = Literal["active", "candidate", "shadow"]
Outcome = Literal["ok", "error", "dropped"]

UNKNOWN_ROUTE = "unknown"
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"})
_STATUSES = {"unknown": 0, "ok": 1, "error": 2, "drift": 3}


class Metrics:
    """The metrics of one worker process; files are opened by the first use."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._opened: Families | None = None
        self._served: tuple[str, str] | None = None
        self._shown: frozenset[str] | None = None
        self._log_status = (0, 0)
        self._views: set[str] = set()
        self._tried: tuple[str, str, str] | None = None

    @property
    def _families(self) -> Families:
        return self._opened or self._open()

    def _open(self) -> Families:
        with self._lock:
            if self._opened is None:
                folder = shared_folder()
                if folder is not None and (dead := forget_dead_workers(folder)):
                    logger.info("Forgot the gauges of workers that are gone: %s", dead)
                self._opened = Families(self._registry)
            return self._opened

    def page(self) -> tuple[bytes, str]:
        """Returns the metrics of all workers as Prometheus reads them, and the media type."""
        return render(self._registry)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts an answered request.

        Args:
          route: the path as the interface names it; empty where there is no such path.
          method: GET, POST and so on; rare ones are counted as ``other``.
          status: 200 and so on.
          seconds: from its first byte to the answer.
        """
        known = route or UNKNOWN_ROUTE
        families = self._families
        families.requests.of(known, method if method in _METHODS else OTHER, str(status)).inc()
        families.request_seconds.of(known).observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        """Adds the time of a part of a prediction: read, decode, graph, explain or log."""
        self._families.stage_seconds.of(name).observe(seconds)

    def prediction(
        self, model_name: str, label: str, probability: float, is_abstained: bool
    ) -> None:
        """Counts one classified image; of a model with many classes only the first 200 by name."""
        families = self._families
        shown = label if self._shown is None or label in self._shown else OTHER
        families.predictions.of(model_name, shown).inc()
        if math.isfinite(probability):
            families.confidence.observe(probability)
        if is_abstained:
            families.abstentions.inc()

    def decode_failure(self, reason: str) -> None:
        """Counts an image that could not be read; ``reason`` is that of the ``ImageError``."""
        self._families.decode_failures.of(reason).inc()

    def model(
        self, name: str, version: str, generation: int, classes: tuple[str, ...] = ()
    ) -> None:
        """Notes what this worker serves from now on.

        Args:
          name: of the model.
          version: of the model.
          generation: of the pointer to it.
          classes: in class order; all workers then show the same 200 of them.
        """
        families = self._families
        with self._lock:
            self._shown = frozenset(classes[:MAX_LABELS]) if classes else None
            if self._served is not None:
                families.model_info.of(*self._served).set(0)
            self._served = (name, version)
            families.model_info.of(name, version).set(1)
            families.generation.set(generation)

    def answer(self, role: Role, outcome: Outcome, seconds: float | None = None) -> None:
        """Counts an image by who answered it.

        Args:
          role: the active model, a candidate, or one that answers in the shadow.
          outcome: ``error`` for a defect; ``dropped`` in the shadow, which was behind.
          seconds: of decoding, the graph and the picture, where there is an answer.
        """
        families = self._families
        families.answers.of(role, outcome).inc()
        if seconds is not None:
            families.answer_seconds.of(role).observe(seconds)

    def candidate(self, tried: tuple[str, str, str] | None, share: float = 0.0) -> None:
        """Notes what this worker tries beside the active model from now on.

        Args:
          tried: name, version and mode; None for nothing.
          share: of the requests.
        """
        if (tried, self._tried) == (None, None):
            return
        families = self._families
        with self._lock:
            if self._tried is not None and self._tried != tried:
                families.candidate_share.of(*self._tried).set(0)
            self._tried = tried
            if tried is not None:
                families.candidate_share.of(*tried).set(share)

    def swap(self, outcome: str) -> None:
        """Counts a change of the served model; ``done``, ``refused`` and so on."""
        self._families.swaps.of(outcome).inc()

    def load_failure(self, reason: str) -> None:
        """Counts a model that could not be loaded; ``reason`` is one word of a short list."""
        self._families.load_failures.of(reason).inc()

    def log_status(self, n_waiting: int, n_dropped: int) -> None:
        """Notes how the prediction log does.

        Args:
          n_waiting: records that wait for the database now.
          n_dropped: records lost since the worker started.
        """
        if (n_waiting, n_dropped) == self._log_status:
            return
        families = self._families
        with self._lock:
            lost = n_dropped - self._log_status[1]
            self._log_status = (n_waiting, n_dropped)
            families.log_waiting.set(n_waiting)
            if lost > 0:
                families.log_dropped.inc(lost)

    def drift(self, checked: Checked, n_waiting: int) -> None:
        """Shows the verdict that all workers share.

        Args:
          checked: the last check of the model version that is served.
          n_waiting: predictions in its window.
        """
        families = self._families
        families.drift_status.set(_STATUSES[checked.verdict.status])
        families.drift_window.set(n_waiting)
        families.drift_seconds.set(checked.seconds)
        checked_at = checked.verdict.checked_at
        families.drift_checked.set(checked_at.timestamp() if checked_at else 0)
        with self._lock:
            # What a check did not look at has no number any more.
            self._views |= checked.views.keys() & frozenset(VIEWS)
        for view in sorted(self._views):
            test = checked.views.get(view)
            families.drift_statistic.of(view).set(test.statistic if test else math.nan)
            families.drift_p_value.of(view).set(test.p_value if test else math.nan)
            families.drift_threshold.of(view).set(test.threshold if test else math.nan)

    def drift_check(self, is_error: bool) -> None:
        """Counts a drift check of all workers; the one that had it made counts it."""
        families = self._families
        families.drift_checks.inc()
        if is_error:
            families.drift_errors.inc()
