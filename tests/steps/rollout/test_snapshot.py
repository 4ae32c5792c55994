"""Reading metrics: what counts, medians, and counters that begin anew."""

from __future__ import annotations

import numpy as np
import pytest

from serving.metrics import Metrics
from steps.rollout.snapshot import Snapshot, read_snapshot

pytestmark = pytest.mark.unit


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    return Metrics()


def _read(metrics: Metrics) -> Snapshot:
    return read_snapshot(metrics.page()[0].decode())


def test_the_page_of_the_service_is_understood(metrics: Metrics) -> None:
    for status in (200, 200, 200, 415, 500, 503):
        metrics.request("/predict", "POST", status, 0.01)
    metrics.request("/model", "PUT", 503, 0.01)
    metrics.model("digits", "v1", 3)
    for _ in range(4):
        metrics.answer("active", "ok", 0.0035)
    metrics.answer("candidate", "error")
    metrics.answer("shadow", "dropped")

    found = _read(metrics)

    assert found.generations == (3,)
    assert found.served == {("digits", "v1")}
    assert found.figures().model_dump() == {
        "n_requests": 6, "n_errors": 2, "median_ms": pytest.approx(3.5),
    }  # fmt: skip
    assert found.figures("candidate").error_share == 1.0
    assert found.figures("shadow").n_requests == 0
    assert found.figures("shadow").median_ms is None


def test_a_median_is_that_of_numpy_within_its_bucket(metrics: Metrics) -> None:
    seconds = np.random.default_rng(0).lognormal(-5.0, 0.5, 2_000)
    for each in seconds:
        metrics.answer("active", "ok", float(each))
    median = _read(metrics).figures().median_ms
    assert median == pytest.approx(1000 * float(np.median(seconds)), rel=0.05)


def test_what_happened_between_two_moments(metrics: Metrics) -> None:
    for _ in range(10):
        metrics.request("/predict", "POST", 200, 0.01)
        metrics.answer("active", "ok", 0.001)
    before = _read(metrics)
    for status in (200, 500):
        metrics.request("/predict", "POST", status, 0.01)
    metrics.answer("active", "ok", 0.9)

    figures = _read(metrics).since(before).figures()

    assert (figures.n_requests, figures.n_errors) == (2, 1)
    assert figures.median_ms is not None
    assert figures.median_ms > 250


def test_a_service_that_was_started_anew_counts_from_zero() -> None:
    before = Snapshot(requests={("/predict", "200"): 100.0})
    now = Snapshot(requests={("/predict", "200"): 3.0, ("/predict", "500"): 1.0})
    figures = now.since(before).figures()
    assert (figures.n_requests, figures.n_errors) == (4, 1)


def test_workers_are_told_apart_and_other_lines_passed_over() -> None:
    page = (
        "# HELP visionstack_model_generation x\n"
        'visionstack_model_generation{pid="1"} 2.0\n'
        'visionstack_model_generation{pid="2"} 3.0\n'
        'visionstack_requests_total{method="POST",route="other",status="other"} 7.0\n'
        'visionstack_model_info{name="digits",version="v1"} 0.0\n'
        'visionstack_model_info{name="digits",version="v2"} 1.0\n'
        'visionstack_model_info{name="digits",version="other"} 1.0\n'
        'visionstack_candidate_share{mode="canary",name="digits",version="v2"} 0.0\n'
        'visionstack_candidate_share{mode="shadow",name="digits",version="v3"} 0.1\n'
        "something_else 1\nnot a line\n"
    )
    found = read_snapshot(page)
    assert found.served == {("digits", "v2")}
    assert found.tried == {("digits", "v3")}
    assert found.generations == (2, 3)
    assert found.figures().n_requests == 0
