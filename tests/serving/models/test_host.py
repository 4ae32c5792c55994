"""Tests of serving/host.py."""

from pathlib import Path

import pytest

from serving.models.host import ModelHost, load_model
from tests.fake_bundle import seal, write_fake_bundle
from vision.errors import BundleError

WAIT_S = 10.0


@pytest.fixture
def host() -> ModelHost:
    return ModelHost(look_again_s=0.01)


def wait_for_detail(host: ModelHost, text: str) -> str:
    """Waits until the host reports ``text``; each look is one turn of its own loop."""
    for _ in range(500):
        detail = host.wait(0.02).detail
        if text in detail:
            return detail
    raise AssertionError(f"{text!r} never came; the last was {host.state.detail!r}")


def test_before_it_starts_a_host_is_loading(host: ModelHost) -> None:
    assert host.state.model is None
    assert host.state.detail == "the model is being loaded; ask again in a second"


def test_a_host_serves_the_bundle_it_finds(
    host: ModelHost, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    host.start()
    state = host.wait(WAIT_S)
    assert state.model is not None
    assert state.model.folder == bundle
    assert state.detail == ""


def test_without_a_model_it_says_so_and_keeps_looking(
    host: ModelHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.start()
    assert "run `make demo`" in wait_for_detail(host, "no model to serve yet")
    write_fake_bundle(tmp_path / "later")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(tmp_path / "later"))
    assert host.wait(WAIT_S).model is not None


def test_a_changed_file_is_named_once_and_nothing_is_served(
    host: ModelHost,
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warnings: list[tuple[object, ...]] = []
    monkeypatch.setattr("serving.models.host.logger.warning", lambda *words: warnings.append(words))
    (bundle / "serving.onnx").write_bytes(b"x")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    host.start()
    wait_for_detail(host, "serving.onnx was changed")
    host.wait(0.1)
    host.stop()
    assert host.state.model is None
    assert len(warnings) == 1


def test_a_model_that_forgot_its_answers_is_not_served(bundle: Path) -> None:
    write_fake_bundle(bundle.parent / "other", scale=5.0)
    graph = (bundle.parent / "other/serving.onnx").read_bytes()
    (bundle / "serving.onnx").write_bytes(graph)
    seal(bundle)
    with pytest.raises(BundleError, match=r"golden/00\.png should be 'red'.*differ by"):
        load_model(bundle)


def test_stop_ends_the_thread(host: ModelHost) -> None:
    host.start()
    thread = host._thread
    assert thread is not None
    host.stop()
    assert not thread.is_alive()


def test_a_second_start_does_nothing(host: ModelHost) -> None:
    host.start()
    thread = host._thread
    host.start()
    assert host._thread is thread
    host.stop()
