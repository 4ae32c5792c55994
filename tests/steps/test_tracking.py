"""The door to MLflow, with and without a tracking run behind it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import tracking
from steps.tracking import MlflowTracker, Tracker
from tests.steps.active_stack import pretend_stack
from vision.config import TrackingConfig, TrainingConfig
from vision.errors import StackError
from vision.provenance import CodeVersion


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An active stack that a test fills with components."""
    return pretend_stack(monkeypatch, tracking, experiment_tracker=None)


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
    monkeypatch.setattr(tracking, "mlflow_module", lambda: fake)
    info = SimpleNamespace(experiment_id="3", run_id="abc")
    assert tracking._run_url(info) == "https://tracker.example/#/experiments/3/runs/abc"  # type: ignore[arg-type]


@pytest.mark.unit
def test_the_page_of_any_run_is_found(
    stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "https://tracker.example"
    asked: list[str] = []
    stack.experiment_tracker = SimpleNamespace(
        flavor="mlflow",
        get_tracking_uri=lambda: uri,
        configure_mlflow=lambda: asked.append("configured"),
    )
    info = SimpleNamespace(experiment_id="3", run_id="abc")
    runs = {"abc": SimpleNamespace(info=info)}
    fake = SimpleNamespace(get_run=runs.__getitem__, get_tracking_uri=lambda: uri)
    monkeypatch.setattr(tracking, "mlflow_module", lambda: fake)
    assert tracking.find_url("abc") == "https://tracker.example/#/experiments/3/runs/abc"
    assert asked == ["configured"]
    uri = "sqlite:///mlflow.db"
    assert tracking.find_url("abc") is None


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


@pytest.mark.integration
def test_a_file_of_a_tracking_run_is_read(
    mlflow_tracker: MlflowTracker, stack: SimpleNamespace
) -> None:
    stack.experiment_tracker = SimpleNamespace(flavor="mlflow", configure_mlflow=lambda: None)
    mlflow_tracker.log_code(CodeVersion("abc", True, "-ä\n"))
    mlflow_tracker.log_file("top.txt", b"\x00\xff")
    run_id = mlflow_tracker.run_id
    assert tracking.read_file(run_id, tracking.PATCH_FILE) == "-ä\n".encode()
    assert tracking.read_file(run_id, "top.txt") == b"\x00\xff"
    for name in ("code/other.patch", "else/dirty.patch", "code"):
        with pytest.raises(StackError, match=f"^the tracking run {run_id} has no file {name}$"):
            tracking.read_file(run_id, name)


@pytest.mark.unit
@pytest.mark.parametrize("tracker", [None, SimpleNamespace(flavor="wandb")])
def test_without_mlflow_no_file_is_read(stack: SimpleNamespace, tracker: Any) -> None:
    stack.experiment_tracker = tracker
    with pytest.raises(StackError) as raised:
        tracking.read_file("abc", "code/dirty.patch")
    assert str(raised.value) == (
        "the stack 'mine' has no MLflow tracker, which keeps code/dirty.patch; switch to the stack "
        "of the training: zenml stack set NAME"
    )
