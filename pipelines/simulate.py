"""Sends images of the test split to a running service and says when it sees drift."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.simulate_images import HeldOutImages, ImagePlan, Query
from pipelines.simulate_promise import promise_line
from pipelines.simulate_report import Tally, moved_views
from pipelines.simulate_sending import answered, n_connections, paced
from pipelines.simulate_service import (
    Address,
    Answer,
    RefusedError,
    Service,
    ServiceError,
    Verdict,
)
from steps.datasets import read_dataset
from vision.config import DatasetConfig
from vision.monitoring.simulated import SIMULATED
from vision.progress import track
from vision.wording import count

Tell = Callable[[str], None]

# The service gives a check 30 s, and its first one has to start a process.
_DUE_CHECK_S = 30.0
_NEXT_CHECK_S = 2.0
_QUIET_S = 1.5
_POLL_S = 0.2
_IN_THE_LOG = (
    f"the service logs and checks them like any others; their request ids begin with {SIMULATED}"
)


@dataclass(frozen=True)
class Simulation:
    """What is sent, and where.

    Attributes:
      dataset: whose test split is sent.
      images: which of it, and what happens to them.
      address: of the service.
      rate: images a second, at most; None sends each when the one before was answered.
      feedback: whether the service is told what the images really are.
      seed: of every draw.
    """

    dataset: DatasetConfig
    images: ImagePlan
    address: Address
    rate: float | None = None
    feedback: bool = False
    seed: int = 0


def run_simulation(plan: Simulation, tell: Tell) -> bool:
    """Sends the images, tells what happens, and returns whether all of them were answered.

    Raises:
      DatasetError: there are no images to send.
      ServiceError: the service is not there, takes no key, or stays busy.
    """
    n_threads = n_connections(plan.rate)
    with closing(Service(plan.address, n_threads)) as service:
        model = service.model()
        tally = _now(service.drift())
        table = read_dataset(plan.dataset)
        images = HeldOutImages(table)
        _check_classes(model, table.classes, plan)
        tell(_beginning(plan, model, len(images), tally.before))
        tell(_IN_THE_LOG)
        queries = images.queries(plan.images, np.random.default_rng(plan.seed), tell)
        started = time.monotonic()
        try:
            _send(plan, service, queries, tally, tell)
        except (KeyboardInterrupt, ServiceError):
            tell(f"stopped: {tally.n_sent:,} of {count(plan.images.n_images, 'image')} were sent")
            raise
        seconds = time.monotonic() - started
        report = _next_check(service, tally)
    for line in (*tally.lines(seconds), tally.drift_line(report)):
        tell(line)
    if promised := promise_line(model, plan.images.scenario, plan.images.severity):
        tell(promised)
    return tally.n_refused == 0


def _now(report: dict[str, Any]) -> Tally:
    return Tally(Verdict.of(report.get("verdict") or {}), int(report.get("n_waiting") or 0))


def _send(
    plan: Simulation, service: Service, queries: Iterator[Query], tally: Tally, tell: Tell
) -> None:
    def ask(query: Query) -> tuple[Query, Answer | str]:
        try:
            answer = service.predict(query.data)
        except RefusedError as error:
            return query, str(error)
        if plan.feedback and query.labels:
            service.feedback(answer.request_id, query.labels)
        return query, answer

    exchanged = answered(ask, paced(queries, plan.rate), n_connections(plan.rate))
    with closing(exchanged):
        for query, answer in track(exchanged, plan.images.n_images, "sending images"):
            if tally.note(query, answer):
                moved = ", ".join(moved_views(service.drift()))
                shown = f" ({moved})" if moved else ""
                tell(f"image {tally.n_sent:,}: {tally.verdict.status}{shown}")


def _next_check(service: Service, tally: Tally) -> dict[str, Any]:
    """Waits for the checks that had the last images, if any is due; returns what is said then."""
    report = service.drift()
    is_due = tally.n_unchecked >= int(report.get("every_n") or 1)
    deadline = time.monotonic() + (_DUE_CHECK_S if is_due else _NEXT_CHECK_S)
    last, quiet_until = tally.verdict.checked_at, deadline
    while True:
        verdict = Verdict.of(report.get("verdict") or {})
        tally.note_verdict(verdict)
        if verdict.checked_at != last:
            # One check may follow another that was under way.
            last, quiet_until = verdict.checked_at, time.monotonic() + _QUIET_S
        if time.monotonic() >= min(deadline, quiet_until):
            return report
        time.sleep(_POLL_S)
        report = service.drift()


def _beginning(plan: Simulation, model: dict[str, Any], n_rows: int, now: Verdict) -> str:
    served = f"{model.get('name')}:{model.get('version')} at {plan.address.url}"
    return f"{served}, drift {now.status}; sending {plan.images} of {n_rows:,} in the test split"


def _check_classes(model: dict[str, Any], classes: Sequence[str], plan: Simulation) -> None:
    served = model.get("classes")
    if isinstance(served, list) and not set(served) & set(classes):
        raise ServiceError(
            f"{plan.address.url} serves {model.get('name')}, whose classes are {_some(served)}; "
            f"those of the dataset are {_some(classes)}; name the job of that model with --config"
        )


def _some(names: Sequence[object]) -> str:
    shown = ", ".join(map(repr, names[:3]))
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
