"""A worker's parts together: what it counts, and what it writes down of the served model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from serving.log.engine import make_engine, read_address
from serving.models import ModelRefused
from serving.problems import LOG_OFF, NO_LOG, ProblemError
from serving.record import CallRecord, FeedbackRecord
from serving.settings import ServiceSettings
from serving.worker import Worker
from tests.fake_bundle import NAME
from tests.serving.models.versions import promote, store_version

pytestmark = pytest.mark.integration

MakeWorker = Callable[..., Worker]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second, and the metrics are those of this process alone."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setattr("serving.worker._LOG_GAUGES_EVERY_S", 0.05)
    monkeypatch.setattr("serving.log.drainer._GATHER_S", 0.05)


@pytest.fixture
def make() -> Iterator[MakeWorker]:
    made: list[Worker] = []

    def make(**settings: object) -> Worker:
        worker = Worker(ServiceSettings.model_validate(settings))
        worker.host._look_again_s = 0.02
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.stop()


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def _samples(worker: Worker) -> dict[str, float]:
    lines = worker.metrics.page()[0].decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        if "_created" not in name
    }


def _served(worker: Worker) -> str:
    model = worker.host.state.model
    return model.manifest.version if model else ""


def _wait_for(version: str, *workers: Worker) -> None:
    _wait(lambda: {_served(worker) for worker in workers} == {version})


def _swaps(worker: Worker) -> dict[str, float]:
    name = 'visionstack_swaps_total{outcome="'
    found = _samples(worker).items()
    return {key.removeprefix(name)[:-2]: n for key, n in found if key.startswith(name)}


def _deployments() -> list[tuple[str, str, int, str]]:
    engine = make_engine(read_address(ServiceSettings().database_url))
    with engine.connect() as connection:
        text = "SELECT action, model_version, generation, outcome FROM deployments ORDER BY id"
        rows = [tuple(row) for row in connection.exec_driver_sql(text)]
    engine.dispose()
    return rows  # type: ignore[return-value]


def test_the_gauges_of_the_log_follow_it_without_a_request(
    make: MakeWorker, tmp_path: Path
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    worker = make(log_database=f"sqlite:///{blocked}/log.sqlite")
    worker.start()
    for number in range(7):
        worker.log.put(CallRecord(f"c{number}", "GET", "/model", 200, 0.001))
    _wait(lambda: _samples(worker).get("visionstack_log_waiting") == 7)
    blocked.unlink()  # the database is back, and nobody asks anything
    _wait(lambda: _samples(worker)["visionstack_log_waiting"] == 0)
    worker.log._intake.count_drop()
    _wait(lambda: _samples(worker)["visionstack_log_dropped_total"] == 1)


def test_a_request_does_not_look_at_the_log(
    make: MakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make()
    monkeypatch.setattr(type(worker.log), "status", property(lambda _: pytest.fail("asked")))
    worker.on_request("/model", "GET", 200, 0.001)
    name = 'visionstack_requests_total{method="GET",route="/model",status="200"}'
    assert _samples(worker)[name] == 1


def test_swaps_are_counted_and_starts_are_not(make: MakeWorker) -> None:
    promote("v1")
    store_version("v2")
    (store_version("v3") / "serving.onnx").write_bytes(b"x")
    worker = make()
    worker.start()
    _wait_for("v1", worker)
    assert _swaps(worker) == {}
    worker.host.activate(NAME, "v2")
    worker.host.rollback()
    assert _swaps(worker) == {"done": 2}
    with pytest.raises(ModelRefused):
        worker.host.activate(NAME, "v3")
    assert _swaps(worker) == {"done": 2, "refused": 1}
    assert _served(worker) == "v1"


def test_a_first_model_that_is_refused_is_no_swap(make: MakeWorker) -> None:
    (promote("v1") / "serving.onnx").write_bytes(b"x")
    worker = make()
    worker.start()
    _wait(lambda: 'visionstack_model_load_failures_total{reason="files"}' in _samples(worker))
    assert (_served(worker), _swaps(worker)) == ("", {})


def test_a_champion_that_is_followed_is_one_row_of_all_workers(make: MakeWorker) -> None:
    promote("v1")
    workers = [make(), make(), make()]
    for worker in workers:
        worker.start()
    _wait_for("v1", *workers)
    for day, version in enumerate(("v2", "v1", "v2"), start=2):
        promote(version, day=day)
        _wait_for(version, *workers)
    for worker in workers:
        worker.stop()
    assert _deployments() == [("follow", version, 0, "done") for version in ("v2", "v1", "v2")]


def test_what_a_request_activates_is_not_recorded_by_those_that_follow(make: MakeWorker) -> None:
    promote("v1")
    store_version("v2")
    one, other = make(), make()
    for worker in (one, other):
        worker.start()
    _wait_for("v1", one, other)
    one.host.activate(NAME, "v2")
    _wait_for("v2", other)
    assert _swaps(one) == {"done": 1}
    _wait(lambda: _swaps(other) == {"done": 1})  # it is counted a moment after it is served
    for worker in (one, other):
        worker.stop()
    assert _deployments() == []


def test_feedback_that_nobody_keeps_gets_no_receipt(make: MakeWorker) -> None:
    given = FeedbackRecord("f0", "r0", ("red",))
    with pytest.raises(ProblemError) as caught:
        make(log="off").keep_feedback(given)
    assert caught.value.kind is LOG_OFF
    assert str(caught.value.detail) == "Feedback is kept nowhere: the log is switched off."
    worker = make()
    worker.keep_feedback(given)
    assert worker.log.status.n_waiting == 1
    full = make(log_spool_bytes=1)
    with pytest.raises(ProblemError) as caught:
        full.keep_feedback(given)
    assert caught.value.kind is NO_LOG
    assert full.log.status.n_dropped == 1
