"""What the metrics of a service said at one moment, and what happened between two moments."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vision.bundles.rolled_out import Figures

Role = Literal["active", "candidate", "shadow"]

PREDICTING = frozenset({"/predict", "/predict_batch", "/explain"})

_LINE = re.compile(r"^(visionstack_\w+?)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_LOWEST_ERROR = 500
# The label of whatever goes beyond the limit of a metric (serving.metrics.families).
UNNAMED = "other"

Counts = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Snapshot:
    """Counters, since the service has started or since another snapshot.

    Attributes:
      requests: predictions asked for, by route and status.
      answers: images by role and outcome.
      buckets: answers that took at most so long, by role and seconds (``+Inf`` is all of them).
      generations: of the active pointer, of each worker that is there.
      served: name and version of what any worker that is there serves; without those that the
        service has too many of to name.
      tried: of what any worker tries beside it; :data:`UNNAMED` is a version of which the service
        has too many to name.
    """

    requests: Counts = field(default_factory=dict)
    answers: Counts = field(default_factory=dict)
    buckets: Counts = field(default_factory=dict)
    generations: tuple[int, ...] = ()
    served: frozenset[tuple[str, str]] = frozenset()
    tried: frozenset[tuple[str, str]] = frozenset()

    def since(self, earlier: Snapshot) -> Snapshot:
        """Returns what was counted after ``earlier``; counters that began anew count from 0."""
        return Snapshot(
            _grown(self.requests, earlier.requests),
            _grown(self.answers, earlier.answers),
            _grown(self.buckets, earlier.buckets),
            self.generations,
            self.served,
            self.tried,
        )

    def figures(self, role: Role = "active") -> Figures:
        """Returns how one role did; the active one by what was answered to its callers."""
        if role == "active":
            n_all = sum(self.requests.values())
            n_errors = sum(
                n for (_, status), n in self.requests.items() if int(status) >= _LOWEST_ERROR
            )
        else:
            n_errors = self.answers.get((role, "error"), 0.0)
            n_all = n_errors + self.answers.get((role, "ok"), 0.0)
        median_s = self._median_s(role)
        median_ms = None if median_s is None else 1000 * median_s
        return Figures(n_requests=round(n_all), n_errors=round(n_errors), median_ms=median_ms)

    def _median_s(self, role: Role) -> float | None:
        """Returns the median, as if answers were spread evenly in each bucket."""
        pairs = sorted((float(le), n) for (who, le), n in self.buckets.items() if who == role)
        if not pairs or pairs[-1][1] <= 0:
            return None
        half, low, before = pairs[-1][1] / 2, 0.0, 0.0
        for high, n in pairs:
            if n >= half:
                if math.isinf(high) or n == before:
                    return low
                return low + (high - low) * (half - before) / (n - before)
            low, before = high, n
        return low


def read_snapshot(page: str) -> Snapshot:
    """Reads a page of ``/metrics``; what is not known is passed over."""
    requests: dict[tuple[str, str], float] = {}
    answers: dict[tuple[str, str], float] = {}
    buckets: dict[tuple[str, str], float] = {}
    generations: list[int] = []
    workers: dict[tuple[str, str], float] = {}
    trials: dict[tuple[str, str], float] = {}
    takes: dict[str, Callable[[Mapping[str, str], float], None]] = {
        "visionstack_requests_total": lambda of, n: _add(requests, of["route"], of["status"], n),
        "visionstack_answers_total": lambda of, n: _add(answers, of["role"], of["outcome"], n),
        "visionstack_answer_seconds_bucket": lambda of, n: _add(buckets, of["role"], of["le"], n),
        "visionstack_model_generation": lambda of, n: generations.append(int(n)),
        "visionstack_model_info": lambda of, n: _add(workers, of["name"], of["version"], n),
        "visionstack_candidate_share": lambda of, n: _add(trials, of["name"], of["version"], n),
    }
    for line in page.splitlines():
        found = _LINE.match(line)
        if found is not None and (take := takes.get(found[1])) is not None:
            take(dict(_LABEL.findall(found[2] or "")), float(found[3]))
    asked = {key: n for key, n in requests.items() if key[0] in PREDICTING and key[1].isdecimal()}
    served = frozenset(each for each in _present(workers) if each[1] != UNNAMED)
    tried = frozenset(each for each in _present(trials) if each[0] != UNNAMED)
    return Snapshot(asked, answers, buckets, tuple(generations), served, tried)


def _add(counts: dict[tuple[str, str], float], first: str, second: str, n: float) -> None:
    # Requests come once for each method.
    counts[first, second] = counts.get((first, second), 0.0) + n


def _present(counts: Counts) -> list[tuple[str, str]]:
    return [each for each, n in counts.items() if n > 0]


def _grown(now: Counts, before: Counts) -> dict[tuple[str, str], float]:
    if any(now.get(key, 0.0) < n for key, n in before.items()):
        return dict(now)
    return {key: n - before.get(key, 0.0) for key, n in now.items()}
