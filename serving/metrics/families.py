"""The metrics of the service: names, labels, buckets, and how several workers are merged.

Names end in their unit, or in ``_total`` where they count. Counters and histograms are summed over
the workers, dead ones included. Gauges are of living workers only: ``livemax`` shows the worst or
highest worker, ``livesum`` what all have together, ``liveall`` each worker with its process id, and
``livemostrecent`` what was set last.

There are at most about 980 series, whatever clients send and however many classes a model has; what
goes beyond a limit is counted under the label ``other``.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

OTHER = "other"

MAX_CALLS = 120
MAX_ROUTES = 20
MAX_STAGES = 8
MAX_LABELS = 200
MAX_VERSIONS = 50
MAX_NAMES = 12
MAX_CANDIDATES = 4

REQUEST_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
ANSWER_BUCKETS_S = (
    *(0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.016, 0.025),
    *(0.035, 0.05, 0.1, 0.25, 1.0, 5.0),
)
CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)

Child = TypeVar("Child", bound=MetricWrapperBase)


class Labelled(Generic[Child]):
    """The children of a metric by the values of their labels, a limited number of them.

    Looking one up is a dictionary access without a lock, five times as fast as ``labels()``.
    """

    def __init__(self, metric: Child, n_most: int = MAX_NAMES) -> None:
        self._metric = metric
        self._n_most = n_most
        self._children: dict[tuple[str, ...], Child] = {}
        self._lock = threading.Lock()

    def of(self, *values: str) -> Child:
        """Returns the child with these values; beyond the limit, one whose values are ``other``.

        The first of several values stays while there is room for a few such children more.
        """
        child = self._children.get(values)
        return self._find(values) if child is None else child

    def _find(self, values: tuple[str, ...]) -> Child:
        others = (OTHER,) * len(values)
        by_first = (*values[:1], *others[1:]) if len(values) > 1 else others
        with self._lock:
            if len(self._children) < self._n_most:
                return self._child(values)
            has_room = len(self._children) < self._n_most + MAX_NAMES
            return self._child(by_first if has_room or by_first in self._children else others)

    def _child(self, values: tuple[str, ...]) -> Child:
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child


class Families:
    """Every metric, registered; with several workers this opens their files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"visionstack_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, mode: str, *labels: str) -> Gauge:
            return Gauge(
                f"visionstack_{name}",
                text,
                labels,
                registry=registry,
                multiprocess_mode=mode,  # type: ignore[arg-type]
            )

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(
                f"visionstack_{name}", text, labels, registry=registry, buckets=buckets
            )

        self.requests = Labelled(
            counter("requests_total", "Requests answered.", "route", "method", "status"), MAX_CALLS
        )
        self.request_seconds = Labelled(
            histogram("request_seconds", "From request to answer.", REQUEST_BUCKETS_S, "route"),
            MAX_ROUTES,
        )
        self.stage_seconds = Labelled(
            histogram("stage_seconds", "Parts of a prediction.", STAGE_BUCKETS_S, "stage"),
            MAX_STAGES,
        )
        self.predictions = Labelled(
            counter("predictions_total", "Images by predicted class.", "model", "label"),
            MAX_LABELS + 1,
        )
        # By role and not by version: what a roll-out watches never falls under ``other``.
        self.answers = Labelled(
            counter(
                "answers_total", "Images by who answered: ok, error, dropped.", "role", "outcome"
            )
        )
        self.answer_seconds = Labelled(
            histogram("answer_seconds", "From decoding to record.", ANSWER_BUCKETS_S, "role")
        )
        self.candidate_share = Labelled(
            gauge(
                "candidate_share",
                "Of the requests that the candidate gets.",
                "livemax",
                *("name", "version", "mode"),
            ),
            MAX_CANDIDATES,
        )
        self.confidence = histogram(
            "confidence", "Probability of the predicted class.", CONFIDENCE_BUCKETS
        )
        self.abstentions = counter("abstentions_total", "Predictions marked as abstained.")
        self.decode_failures = Labelled(
            counter("decode_failures_total", "Images that could not be read.", "reason")
        )
        self.model_info = Labelled(
            gauge("model_info", "1 where a worker serves it.", "livemax", "name", "version"),
            MAX_VERSIONS,
        )
        self.generation = gauge(
            "model_generation", "Changes of the served model, by worker.", "liveall"
        )
        self.swaps = Labelled(
            counter("swaps_total", "Changes of the served model, done and refused.", "outcome")
        )
        self.load_failures = Labelled(
            counter("model_load_failures_total", "Models that could not be loaded.", "reason")
        )
        self.log_waiting = gauge(
            "log_waiting", "Records waiting for the prediction log's database.", "livesum"
        )
        self.log_dropped = counter(
            "log_dropped_total",
            "Records lost: the spool or the disk was full, or the database refused the row.",
        )
        # All workers show the one verdict that they share; the latest to do so is right.
        newest = "livemostrecent"
        self.drift_statistic = Labelled(
            gauge("drift_statistic", "How far apart, at the last check.", newest, "view")
        )
        self.drift_p_value = Labelled(
            gauge("drift_p_value", "Drift is a p-value below the threshold.", newest, "view")
        )
        self.drift_threshold = Labelled(
            gauge("drift_threshold", "Of the p-value, calibrated in training.", newest, "view")
        )
        self.drift_status = gauge("drift_status", "0 unknown, 1 ok, 2 error, 3 drift.", newest)
        self.drift_window = gauge("drift_window_images", "Predictions in the window.", newest)
        self.drift_checked = gauge(
            "drift_last_check_timestamp_seconds", "Unix time of the last check.", newest
        )
        self.drift_seconds = gauge("drift_check_seconds", "How long the last check took.", newest)
        self.drift_checks = counter("drift_checks_total", "Drift checks, failed ones included.")
        self.drift_errors = counter("drift_errors_total", "Drift checks that failed.")
