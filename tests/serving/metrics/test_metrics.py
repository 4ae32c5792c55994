import itertools
import math
import threading
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from serving.drift.verdict import Checked
from serving.metrics import Metrics
from vision.drift.names import VIEWS

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


def _samples(metrics: Metrics) -> dict[str, float]:
    """Returns each series as it is written, with its value."""
    data, media_type = metrics.page()
    assert media_type.startswith("text/plain")
    lines = data.decode().splitlines()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        if "_created" not in name
    }


def test_a_request_is_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    metrics.request("/predict", "POST", 200, 0.004)
    metrics.request("/predict", "POST", 200, 0.3)
    metrics.request("", "BREW", 404, 0.001)

    found = _samples(metrics)

    name = "visionstack_requests_total"
    assert found[f'{name}{{method="POST",route="/predict",status="200"}}'] == 2
    assert found[f'{name}{{method="other",route="unknown",status="404"}}'] == 1
    name = "visionstack_request_seconds"
    assert found[f'{name}_count{{route="/predict"}}'] == 2
    assert found[f'{name}_sum{{route="/predict"}}'] == pytest.approx(0.304)
    assert found[f'{name}_bucket{{le="0.005",route="/predict"}}'] == 1
    assert found[f'{name}_bucket{{le="0.5",route="/predict"}}'] == 2


def test_a_prediction_is_counted_with_its_confidence_and_stages() -> None:
    metrics = Metrics()
    metrics.prediction("digits", "3", 0.97, False)
    metrics.prediction("digits", "5", 0.35, True)
    metrics.prediction("digits", "5", math.nan, False)
    metrics.stage("graph", 0.0008)
    metrics.decode_failure("truncated")

    found = _samples(metrics)

    assert found['visionstack_predictions_total{label="3",model="digits"}'] == 1
    assert found['visionstack_predictions_total{label="5",model="digits"}'] == 2
    assert found["visionstack_confidence_count"] == 2
    assert found['visionstack_confidence_bucket{le="0.4"}'] == 1
    assert found["visionstack_abstentions_total"] == 1
    assert found['visionstack_stage_seconds_bucket{le="0.001",stage="graph"}'] == 1
    assert found['visionstack_stage_seconds_bucket{le="0.0005",stage="graph"}'] == 0
    assert found['visionstack_decode_failures_total{reason="truncated"}'] == 1


def test_the_model_before_is_no_longer_served() -> None:
    metrics = Metrics()
    metrics.model("digits", "v1", 1)
    metrics.model("digits", "v2", 2)
    metrics.model("digits", "v2", 3)
    metrics.swap("done")
    metrics.load_failure("checksum")

    found = _samples(metrics)

    assert found['visionstack_model_info{name="digits",version="v1"}'] == 0
    assert found['visionstack_model_info{name="digits",version="v2"}'] == 1
    assert found["visionstack_model_generation"] == 3
    assert found['visionstack_swaps_total{outcome="done"}'] == 1
    assert found['visionstack_model_load_failures_total{reason="checksum"}'] == 1


def test_lost_records_are_counted_once() -> None:
    metrics = Metrics()
    for n_waiting, n_dropped in ((5, 0), (9, 3), (9, 3), (0, 4)):
        metrics.log_status(n_waiting, n_dropped)

    found = _samples(metrics)

    assert found["visionstack_log_waiting"] == 0
    assert found["visionstack_log_dropped_total"] == 4
    said = "Records lost: the spool or the disk was full, or the database refused the row."
    assert f"# HELP visionstack_log_dropped_total {said}\n" in metrics.page()[0].decode()


def _checked(status: str, **p_values: float) -> Checked:
    views = {
        view: {
            "view": view, "detector": "ks", "n_images": 50, "statistic": 0.25, "p_value": p_value,
            "threshold": 0.01, "is_drift": p_value < 0.01,
        }
        for view, p_value in p_values.items()
    }  # fmt: skip
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    return Checked.model_validate(
        {"verdict": {"status": status, "checked_at": at}, "views": views, "seconds": 0.5}
    )


@pytest.mark.parametrize(
    ("status", "code"), [("unknown", 0), ("ok", 1), ("error", 2), ("drift", 3)]
)
def test_the_drift_status_grows_with_what_is_wrong(status: str, code: float) -> None:
    metrics = Metrics()
    metrics.drift(_checked(status, bbsd=0.5, uae=0.001), 137)

    found = _samples(metrics)

    assert found["visionstack_drift_status"] == code
    assert found['visionstack_drift_statistic{view="bbsd"}'] == 0.25
    assert found['visionstack_drift_p_value{view="uae"}'] == 0.001
    assert found['visionstack_drift_threshold{view="uae"}'] == 0.01
    assert found["visionstack_drift_window_images"] == 137
    assert found["visionstack_drift_check_seconds"] == 0.5
    assert found["visionstack_drift_last_check_timestamp_seconds"] == 1_769_860_800


def test_a_view_that_the_last_check_did_not_look_at_has_no_number() -> None:
    metrics = Metrics()
    metrics.drift(_checked("ok", bbsd=0.5, uae=0.4), 50)
    metrics.drift(_checked("ok", uae=0.3), 60)

    found = _samples(metrics)

    assert found['visionstack_drift_p_value{view="uae"}'] == 0.3
    assert math.isnan(found['visionstack_drift_p_value{view="bbsd"}'])


def test_drift_checks_and_those_that_failed_are_counted() -> None:
    metrics = Metrics()
    for is_error in (False, True, False):
        metrics.drift_check(is_error)
    found = _samples(metrics)
    assert found["visionstack_drift_checks_total"] == 3
    assert found["visionstack_drift_errors_total"] == 1


def test_of_many_classes_the_first_200_are_shown_and_the_rest_summed() -> None:
    classes = tuple(f"c{number:04d}" for number in range(1000))
    first, second = Metrics(), Metrics()
    for metrics, order in ((first, classes), (second, classes[::-1])):
        metrics.model("big", "v1", 1, classes)
        for label in order:
            metrics.prediction("big", label, 0.5, False)

    found = {
        name: value
        for name, value in _samples(first).items()
        if name.startswith("visionstack_predictions_total")
    }
    # Every worker shows the same classes, in whatever order they came.
    assert found.keys() == {
        name for name in _samples(second) if name.startswith("visionstack_predictions_total")
    }
    assert len(found) == 201
    assert found['visionstack_predictions_total{label="other",model="big"}'] == 800
    assert sum(found.values()) == 1000


def test_ls04_series_stay_below_1000_whatever_comes() -> None:
    metrics = Metrics()
    for number in range(1500):
        name = f"n{number}"
        metrics.request(f"/{number % 100}", ("GET", name)[number % 2], number % 600, 0.1)
        metrics.stage(name, 0.1)
        metrics.prediction(f"m{number % 40}", name, 0.5, True)
        metrics.decode_failure(name)
        metrics.swap(name)
        metrics.load_failure(name)
        metrics.model(f"m{number % 40}", name, number)
        metrics.drift(_checked("ok", **dict.fromkeys([name, *VIEWS], 0.5)), number)
        metrics.candidate((f"m{number % 40}", name, "canary"), 0.1)
        for role in ("active", "candidate", "shadow"):
            for outcome in ("ok", "error", "dropped"):
                metrics.answer(role, outcome, 0.1)

    found = _samples(metrics)

    assert 950 < len(found) < 1000
    for name, total in (("requests_total", 1500), ("predictions_total", 1500)):
        values = [v for key, v in found.items() if key.startswith(f"visionstack_{name}{{")]
        assert sum(values) == total
    infos = [v for key, v in found.items() if key.startswith("visionstack_model_info{")]
    assert (len(infos), sum(infos)) == (63, 1)


def test_answers_are_counted_by_who_gave_them() -> None:
    metrics = Metrics()
    metrics.answer("active", "ok", 0.0012)
    metrics.answer("candidate", "error")
    metrics.answer("shadow", "dropped")

    found = _samples(metrics)

    assert found['visionstack_answers_total{outcome="ok",role="active"}'] == 1
    assert found['visionstack_answers_total{outcome="error",role="candidate"}'] == 1
    assert found['visionstack_answers_total{outcome="dropped",role="shadow"}'] == 1
    assert found['visionstack_answer_seconds_bucket{le="0.001",role="active"}'] == 0
    assert found['visionstack_answer_seconds_bucket{le="0.0015",role="active"}'] == 1
    assert 'visionstack_answer_seconds_count{role="candidate"}' not in found


def test_a_candidate_is_shown_with_its_share_and_ends_with_zero() -> None:
    metrics = Metrics()
    metrics.candidate(None)
    assert not any("candidate_share{" in name for name in _samples(metrics))
    metrics.candidate(("digits", "v2", "canary"), 0.25)
    name = 'visionstack_candidate_share{mode="canary",name="digits",version="v2"}'
    assert _samples(metrics)[name] == 0.25
    metrics.candidate(("digits", "v3", "shadow"), 1.0)
    assert _samples(metrics)[name] == 0
    metrics.candidate(None)
    assert sum(v for key, v in _samples(metrics).items() if "candidate_share{" in key) == 0


def test_every_name_and_unit_is_prometheus_own() -> None:
    metrics = Metrics()
    metrics.request("/", "GET", 200, 0.1)
    for family in text_string_to_metric_families(metrics.page()[0].decode()):
        assert family.name.startswith("visionstack_")
        assert family.documentation.endswith(".")
        assert family.type != "unknown"


def test_nothing_is_opened_before_the_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CollectorRegistry, "register", lambda *_: pytest.fail("opened"))
    Metrics()


def test_threads_lose_no_count() -> None:
    metrics = Metrics()
    n_threads, n_each = 8, 500
    gate = threading.Barrier(n_threads)

    def work() -> None:
        gate.wait()
        for _ in range(n_each):
            metrics.prediction("digits", "3", 0.9, False)

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    for step in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            step(thread)

    found = _samples(metrics)
    assert found['visionstack_predictions_total{label="3",model="digits"}'] == n_threads * n_each
    assert found["visionstack_confidence_count"] == n_threads * n_each


def test_two_in_one_process_do_not_mix() -> None:
    pair = Metrics(), Metrics()
    for metrics, n_times in zip(pair, (1, 2), strict=True):
        for _ in itertools.repeat(None, n_times):
            metrics.drift_check(is_error=True)
    counts = [_samples(metrics)["visionstack_drift_errors_total"] for metrics in pair]
    assert counts == [1, 2]
