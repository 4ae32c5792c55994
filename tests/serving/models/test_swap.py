"""Tests of many changes: at the same time, while models load, and one after another."""

import gc
import os
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.models.active import locked
from serving.models.host import ModelHost
from serving.models.state import Activated, ModelRefused
from tests.fake_bundle import expected_probabilities, solid_image
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import pointer, served
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


def test_mu05_a_change_elsewhere_is_waited_for_but_not_for_ever(idle_host: ModelHost) -> None:
    idle_host._busy_after_s = 0.05
    with locked(1.0), pytest.raises(ModelRefused, match="under way") as caught:
        idle_host.activate("colours", "v2")
    assert caught.value.reason == "busy"
    idle_host._current.changing.acquire()
    with pytest.raises(ModelRefused, match="another model is being loaded") as caught:
        idle_host.rollback()
    assert caught.value.reason == "busy"
    idle_host._current.changing.release()
    assert idle_host.activate("colours", "v2").state.generation == 1


def test_mu05_ten_at_once_are_done_one_after_another(idle_host: ModelHost) -> None:
    workers = [idle_host, ModelHost(busy_after_s=20.0)]
    together = threading.Barrier(10)

    def change(number: int) -> Activated:
        together.wait()
        return workers[number % 2].activate("colours", f"v{number % 3 + 1}")

    with ThreadPoolExecutor(10) as pool:
        done = list(pool.map(change, range(10)))
    by_generation: dict[int, set[str]] = {}
    for each in done:
        assert each.state.model is not None
        version = each.state.model.manifest.version
        by_generation.setdefault(each.state.generation, set()).add(version)
    last = max(by_generation)
    assert sorted(by_generation) == list(range(1, last + 1))
    assert all(len(versions) == 1 for versions in by_generation.values())
    assert pointer()[:2] == (by_generation[last].pop(), last)
    for worker in workers:
        worker.start()
        deadline = time.monotonic() + 20.0
        while served(worker) != pointer()[:2] and time.monotonic() < deadline:
            time.sleep(0.01)
        worker.stop()
        assert served(worker) == pointer()[:2]


def test_mu05_an_activation_comes_while_the_first_load_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    promote("v1")
    store_version("v2")
    loading, go_on = threading.Event(), threading.Event()
    original = ServingModel.load

    def slow(folder: Path) -> ServingModel:
        loading.set()
        assert go_on.wait(20.0)
        return original(folder)

    monkeypatch.setattr(ServingModel, "load", slow)
    host = ModelHost(look_again_s=0.01, busy_after_s=20.0)
    host.start()
    assert loading.wait(20.0)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(host.activate, "colours", "v2")
        go_on.set()
        assert asked.result(20.0).previous == ("colours", "v1")
    host.stop()
    assert served(host) == ("v2", 1)


def test_mu03_a_request_keeps_the_model_it_began_with(idle_host: ModelHost) -> None:
    store_version("sharp", scale=30.0)
    idle_host.activate("colours", "v2")
    model = idle_host.state.model
    assert model is not None
    idle_host.activate("colours", "sharp")
    image = solid_image("red")
    for held, scale in ((model, 10.0), (idle_host.state.model, 30.0)):
        assert held is not None
        found = held.predict(image[None]).probabilities[0]
        assert abs(found - expected_probabilities(image, scale)).max() < 1e-6


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_mu04_fifty_swaps_keep_one_model(idle_host: ModelHost) -> None:
    image = solid_image("green")[None]
    models: list[weakref.ref[ServingModel]] = []
    after_five = 0
    for number in range(50):
        state = idle_host.activate("colours", f"v{number % 3 + 1}").state
        assert state.model is not None
        state.model.predict(image)
        models.append(weakref.ref(state.model))
        del state
        if number == 4:
            after_five = resident_bytes()
    assert idle_host.state.generation == 50
    gc.collect()
    assert [model() for model in models if model() is not None] == [idle_host.state.model]
    assert resident_bytes() <= 1.10 * after_five


def test_mu04_a_swap_frees_the_model_before_it_at_once(idle_host: ModelHost) -> None:
    idle_host.activate("colours", "v1")
    before = weakref.ref(idle_host.state.model)
    gc.disable()
    try:
        idle_host.activate("colours", "v2")
        assert before() is None
    finally:
        gc.enable()
