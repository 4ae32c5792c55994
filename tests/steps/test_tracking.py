"""The door to MLflow, with and without a tracking run behind it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import tracking
from steps.tracking import MlflowTracker, Tracker
from vision.config import TrackingConfig, TrainingConfig
from vision.provenance import CodeVersion


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An active stack that a test fills with components."""
    active = SimpleNamespace(experiment_tracker=None, model_registry=None)
    monkeypatch.setattr(tracking, "Client", lambda: SimpleNamespace(active_stack=active))
    return active


@pytest.fixture
def mlflow_tracker(tmp_path: Path) -> Any:
    """An open MLflow run in a database of the test's own."""
    import mlflow

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("test", (tmp_path / "artifacts").as_uri())
    mlflow.set_tracking_uri(uri)
    with mlflow.start_run(experiment_id=experiment) as run:
        yield MlflowTracker(run.info.run_id, None)
    mlflow.set_tracking_uri("")


@pytest.mark.unit
def test_without_a_tracker_nothing_happens(stack: SimpleNamespace) -> None:
    tracker = tracking.current()
    assert type(tracker) is Tracker
    assert tracker.run_id is None
    tracker.log_metrics({"loss": 1.0}, 1)
    tracker.log_file("a.txt", b"")
    tracker.log_code(CodeVersion("abc", True, "patch"))
    tracker.log_sections({"training": TrainingConfig()})
    assert tracking.step_options(TrackingConfig(), "digits") == {}
    assert tracking.find_url("1") is None


@pytest.mark.unit
def test_another_trackers_steps_are_named_and_not_configured(stack: SimpleNamespace) -> None:
    stack.experiment_tracker = SimpleNamespace(name="theirs", flavor="wandb")
    assert tracking.step_options(TrackingConfig(), "digits") == {"experiment_tracker": "theirs"}
    assert type(tracking.current()) is Tracker


@pytest.mark.unit
def test_mlflow_steps_get_experiment_and_tags(stack: SimpleNamespace) -> None:
    stack.experiment_tracker = SimpleNamespace(name="ours", flavor="mlflow")
    options = tracking.step_options(TrackingConfig(tags={"a": "b"}), "digits")
    assert options["experiment_tracker"] == "ours"
    [settings] = options["settings"].values()
    assert settings == {"experiment_name": "digits", "tags": {"a": "b"}}
    named = tracking.step_options(TrackingConfig(experiment="mine"), "digits")
    assert named["settings"]["experiment_tracker.mlflow"]["experiment_name"] == "mine"


@pytest.mark.unit
def test_a_server_has_a_page_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(get_tracking_uri=lambda: "https://tracker.example/")
    monkeypatch.setattr(tracking, "_mlflow", lambda: fake)
    info = SimpleNamespace(experiment_id="3", run_id="abc")
    assert tracking._run_url(info) == "https://tracker.example/#/experiments/3/runs/abc"  # type: ignore[arg-type]


@pytest.mark.integration
def test_everything_is_logged(mlflow_tracker: MlflowTracker) -> None:
    import mlflow

    mlflow_tracker.log_sections({"training": TrainingConfig(epochs=3)})
    mlflow_tracker.log_metrics({"loss": 0.5, "auc": None, "top_3_accuracy": float("nan")}, 1)
    mlflow_tracker.log_metrics({"loss": 0.25}, 2)
    mlflow_tracker.log_code(CodeVersion("abc", True, "-a\n+b\n"))
    mlflow_tracker.log_file("validation/report.html", b"<html></html>")
    client = mlflow.MlflowClient()
    run = client.get_run(mlflow_tracker.run_id)
    assert run.data.params["training.epochs"] == "3"
    history = client.get_metric_history(mlflow_tracker.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.25)]
    assert set(run.data.metrics) == {"loss"}
    assert run.data.tags["git_commit"] == "abc"
    assert run.data.tags["git_is_dirty"] == "True"
    files = [file.path for file in client.list_artifacts(mlflow_tracker.run_id, "code")]
    assert files == ["code/dirty.patch"]
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/code/dirty.patch")
    assert text == "-a\n+b\n"


@pytest.mark.integration
def test_logging_twice_is_no_error(mlflow_tracker: MlflowTracker) -> None:
    for _ in range(2):
        mlflow_tracker.log_sections({"training": TrainingConfig()})
        mlflow_tracker.log_file("a.txt", b"a")


@pytest.mark.unit
def test_aliases_need_a_registry_of_mlflow(stack: SimpleNamespace) -> None:
    assert tracking.read_aliases("digits") is None
    stack.model_registry = SimpleNamespace(flavor="mlflow")
    stack.experiment_tracker = SimpleNamespace(flavor="wandb")
    assert tracking.read_aliases("digits") is None
