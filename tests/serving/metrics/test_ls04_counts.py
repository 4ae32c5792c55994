"""The counters of ``bentoml serve`` with two workers against what a client has counted itself."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.fake_bundle import CLASSES, NAME, encode_image, solid_image, write_fake_bundle
from tests.servers import free_port, running

pytestmark = [pytest.mark.integration, pytest.mark.slow]

N_WORKERS = 2
_READY_WITHIN_S = 60.0
# A worker counts a request when it has been answered, so the last few may come a moment later.
_COUNTED_WITHIN_S = 10.0

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ls04")
    write_fake_bundle(folder / "bundle")
    inherited = {key: value for key, value in os.environ.items() if "VISIONSTACK_" not in key}
    environment = inherited | {
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_CONFIG_OPTIONS": f"services.visionstack.workers={N_WORKERS}",
        "VISIONSTACK_HOME": str(folder / "home"),
        "VISIONSTACK_BUNDLE": str(folder / "bundle"),
    }
    port = free_port()
    found = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(port)]
    health = f"{found}/readyz"
    with running(command, environment, folder / "log.txt", health, _READY_WITHIN_S):
        _wait_for_all_workers(found)
        yield found


def _wait_for_all_workers(address: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        served = [key for key in _read(address) if key[0] == "visionstack_model_generation"]
        if len(served) == N_WORKERS:
            return
        time.sleep(0.2)
    raise AssertionError(f"not all of {N_WORKERS} workers have a model")


def _read(address: str) -> Series:
    """Returns every series of ``/metrics`` with its value."""
    from prometheus_client.parser import text_string_to_metric_families

    text = httpx.get(f"{address}/metrics", trust_env=False, timeout=30).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _counts(series: Series, name: str, *labels: str) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for (each, pairs), value in series.items():
        if each == name:
            found[tuple(dict(pairs)[label] for label in labels)] += int(value)
    return found


def _ask(address: str, number: int) -> tuple[tuple[str, str, str], str | None]:
    """Sends one request and returns how it must be counted, with its label if it has one."""
    label = CLASSES[number % len(CLASSES)]
    image = {"image": ("i.png", encode_image(solid_image(label)))}
    # A connection of its own each, so that the kernel spreads them over the workers.
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        match number % 5:
            case 0:
                response = client.get(f"/nothing/here/{number}")
                route = "unknown"
            case 1:
                response = client.post("/predict", files={"image": ("i.png", b"no image at all")})
                route = "/predict"
            case 2:
                response = client.get("/model")
                route = "/model"
            case _:
                response = client.post("/predict", files=image)
                route = "/predict"
    counted = (route, response.request.method, str(response.status_code))
    return counted, label if response.status_code == 200 and number % 5 > 2 else None


def test_ls04_counters_of_two_workers_equal_the_clients(address: str) -> None:
    n_requests = 400
    before = _read(address)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: _ask(address, number), range(n_requests)))
    expected = Counter(counted for counted, _ in answers)
    labels = Counter((NAME, label) for _, label in answers if label is not None)
    assert expected == {
        ("unknown", "GET", "404"): n_requests // 5,
        ("/predict", "POST", "415"): n_requests // 5,
        ("/model", "GET", "200"): n_requests // 5,
        ("/predict", "POST", "200"): n_requests * 2 // 5,
    }

    name, columns = "visionstack_requests_total", ("route", "method", "status")
    deadline = time.monotonic() + _COUNTED_WITHIN_S
    while True:
        after = _read(address)
        found = _counts(after, name, *columns) - _counts(before, name, *columns)
        if found == expected or time.monotonic() > deadline:
            break
        time.sleep(0.1)

    assert found == expected
    name, columns = "visionstack_predictions_total", ("model", "label")
    assert _counts(after, name, *columns) - _counts(before, name, *columns) == labels
    name = "visionstack_confidence_count"
    assert (_counts(after, name) - _counts(before, name)).total() == labels.total()
    name = "visionstack_decode_failures_total"
    failures = _counts(after, name, "reason") - _counts(before, name, "reason")
    assert failures == {("unknown_format",): n_requests // 5}
    seconds = _counts(after, "visionstack_request_seconds_count", "route")
    requests = _counts(after, "visionstack_requests_total", "route")
    assert seconds == requests


def test_ls04_series_stay_below_1000_while_somebody_tries_paths(address: str) -> None:
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        for number in range(200):
            client.request(("GET", f"VERB{number}")[number % 2], f"/scan/{number}")
    assert len(_read(address)) < 1000


def test_ls04_both_workers_are_on_the_page(address: str) -> None:
    series = _read(address)
    generations = [value for (name, _), value in series.items() if name.endswith("_generation")]
    assert len(generations) == N_WORKERS
    assert len(set(generations)) == 1
    infos = {
        dict(labels)["name"]: value
        for (name, labels), value in series.items()
        if name == "visionstack_model_info"
    }
    assert infos == {NAME: 1.0}
