"""The model card reaches the tracking run and the registry."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import model_registry
from steps.model_registry import _describe
from steps.register_model import _log_card
from steps.tracking import MlflowTracker, Tracker
from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import seal, write_fake_bundle
from tests.steps.active_stack import pretend_stack
from tests.vision.drift.power_samples import make_table
from vision.bundles.build import Bundle
from vision.bundles.model_card import CARD_FILE, write_model_card
from vision.drift.power_table import write_power


class Recorder(Tracker):
    """Notes what is logged."""

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        self.logged: dict[str, bytes] = {}

    def log_file(self, name: str, content: bytes) -> None:
        self.logged[name] = content


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    folder = tmp_path / "one"
    manifest = write_drift_bundle(folder)
    write_power(folder, make_table())
    write_model_card(folder, manifest, {"test": 3})
    return Bundle(folder, seal(folder))


@pytest.mark.unit
def test_card_and_page_are_logged(bundle: Bundle) -> None:
    recorder = Recorder("1")
    _log_card(recorder, bundle)
    assert list(recorder.logged) == ["bundle/model_card.md", "bundle/drift_power.html"]
    assert recorder.logged["bundle/model_card.md"] == (bundle.folder / CARD_FILE).read_bytes()
    assert b"is seen after 100 images" in recorder.logged["bundle/drift_power.html"]


@pytest.mark.unit
def test_without_a_tracking_run_nothing_is_drawn(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.register_model.show_power", lambda *_: pytest.fail("drawn"))
    recorder = Recorder(None)
    _log_card(recorder, bundle)
    assert recorder.logged == {}


@pytest.mark.unit
def test_a_bundle_of_before_has_nothing_to_log(tmp_path: Path) -> None:
    recorder = Recorder("1")
    before = Bundle(tmp_path / "one", write_fake_bundle(tmp_path / "one"))
    _log_card(recorder, before)
    assert recorder.logged == {}
    assert _describe(before) is None


@pytest.mark.unit
def test_a_long_card_is_cut_for_the_registry(bundle: Bundle) -> None:
    (bundle.folder / CARD_FILE).write_text("ä" * 5_000, encoding="utf-8")
    assert _describe(bundle) == "ä" * 5_000
    (bundle.folder / CARD_FILE).write_text("ä" * 5_001, encoding="utf-8")
    assert _describe(bundle) == "ä" * 4_999 + "…"


@pytest.mark.integration
def test_the_registry_describes_a_version_by_its_card(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    pretend_stack(monkeypatch, model_registry, model_registry=SimpleNamespace(flavor="mlflow"))
    monkeypatch.setattr(model_registry, "_log_graph", _fake_graph)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    try:
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = client.create_experiment("test", (tmp_path / "artifacts").as_uri())
        with mlflow.start_run(experiment_id=experiment) as run:
            number = MlflowTracker(run.info.run_id, None).register(bundle, "champion", {})
        assert number == "1"
        version = client.get_model_version(bundle.manifest.name, "1")
        assert version.description == (bundle.folder / CARD_FILE).read_text(encoding="utf-8")
    finally:
        mlflow.set_tracking_uri("")


def _fake_graph(bundle: Any, names: Any) -> str:
    return (bundle.folder / "serving.onnx").as_uri()
