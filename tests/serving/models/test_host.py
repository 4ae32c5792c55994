"""Tests of serving/models/host.py: start, stop and listeners."""

import threading
from pathlib import Path

import pytest

from serving.models.host import ModelHost
from serving.models.state import State
from tests.fake_bundle import write_fake_bundle
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import WAIT_S, looks, version_of, wait_for
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


def test_before_it_starts_a_host_is_loading(host: ModelHost) -> None:
    assert host.state == State(None, "the model is being loaded; ask again in a second", 0)
    assert host.wait(0.0) == host.state


def test_a_host_serves_the_bundle_it_finds(
    host: ModelHost, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    host.start()
    state = host.wait(WAIT_S)
    assert state.model is not None
    assert state.model.folder == bundle
    assert (state.detail, state.generation) == ("", 0)


def test_without_a_model_it_says_so_and_keeps_looking(
    host: ModelHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.start()
    state = wait_for(host, lambda state: "no model to serve yet" in state.detail)
    assert "run `make demo`" in state.detail
    write_fake_bundle(tmp_path / "later")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(tmp_path / "later"))
    assert host.wait(WAIT_S).model is not None


def test_mu01_a_changed_file_is_named_once_and_nothing_is_served(
    host: ModelHost, bundle: Path, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    failures: list[str] = []
    host.on_failure(failures.append)
    (bundle / "serving.onnx").write_bytes(b"x")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    host.start()
    wait_for(host, lambda state: "serving.onnx was changed" in state.detail)
    looks(host)
    assert host.state.model is None
    assert [text.partition(":")[0] for text in warnings] == [
        f"Refused the bundle in {bundle} (files)",
        "Not ready",
    ]
    assert failures == ["files"]


def test_a_pinned_bundle_that_is_damaged_is_not_replaced_by_the_champion(
    host: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote("v1")
    (store_version("v2") / "labels.json").unlink()
    monkeypatch.setenv("VISIONSTACK_MODEL", "colours:v2")
    host.start()
    wait_for(host, lambda state: "colours v2: labels.json is missing" in state.detail)
    looks(host)
    assert host.state.model is None


def test_a_listener_that_fails_does_not_undo_a_swap(host: ModelHost) -> None:
    promote("v1")
    seen: list[str] = []

    def fail(state: State, why: str) -> None:
        raise ZeroDivisionError("planted")

    host.on_change(fail)
    host.on_change(lambda state, why: seen.append(why))
    assert version_of(host.activate("colours", "v1").state) == "v1"
    assert seen == ["activate"]


def test_stop_ends_the_thread_and_a_second_start_does_nothing(host: ModelHost) -> None:
    host.start()
    thread = host._thread
    host.start()
    assert host._thread is thread
    assert thread is not None
    host.stop()
    assert not thread.is_alive()


def test_mu08_stop_does_not_wait_for_a_load_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    promote("v1")
    loading, go_on = threading.Event(), threading.Event()

    def hang(folder: Path) -> ServingModel:
        loading.set()
        go_on.wait(WAIT_S)
        return original(folder)

    original = ServingModel.load
    monkeypatch.setattr(ServingModel, "load", hang)
    host = ModelHost(look_again_s=0.01, stop_within_s=0.05)
    host.start()
    assert loading.wait(WAIT_S)
    host.stop()
    assert host._thread is not None
    assert host._thread.is_alive()
    go_on.set()
    host._thread.join(WAIT_S)
    # The step under way has ended, and nothing after it was done.
    assert not host._thread.is_alive()
    assert host.state.model is None
