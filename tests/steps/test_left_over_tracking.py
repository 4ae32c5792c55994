"""Tracking runs that an interrupt left open are ended, and no others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from zenml.integrations.mlflow.mlflow_utils import ZENML_TAG_KEY

from steps import left_over_tracking
from steps.left_over_tracking import end_left_over
from tests.steps.active_stack import pretend_stack
from vision.config import TrackingConfig

pytestmark = pytest.mark.integration


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An active stack that a test fills with components."""
    return pretend_stack(monkeypatch, left_over_tracking, experiment_tracker=None)


@pytest.fixture
def database(tmp_path: Path, stack: SimpleNamespace) -> Iterator[str]:
    """Where MLflow keeps its runs, with an experiment ``digits``."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    mlflow.MlflowClient(tracking_uri=uri).create_experiment("digits", tmp_path.as_uri())
    stack.experiment_tracker = _tracker(uri)
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri("")


def _tracker(uri: str) -> SimpleNamespace:
    return SimpleNamespace(
        name="ours", flavor="mlflow", configure_mlflow=lambda: mlflow.set_tracking_uri(uri)
    )


@pytest.fixture
def open_run(database: str) -> Iterator[Any]:
    """One that ZenML opened in this process for the pipeline run ``mine``."""
    experiment = mlflow.get_experiment_by_name("digits").experiment_id
    tags = {ZENML_TAG_KEY: "True"}
    yield mlflow.start_run(experiment_id=experiment, run_name="mine", tags=tags)
    mlflow.set_tracking_uri(database)
    mlflow.end_run()


def _state(database: str, run: Any) -> str:
    return str(mlflow.MlflowClient(database).get_run(run.info.run_id).info.status)


def test_what_is_open_in_this_process_is_ended(database: str, open_run: Any) -> None:
    end_left_over(TrackingConfig(), "digits", "mine")
    assert _state(database, open_run) == "KILLED"
    assert mlflow.active_run() is None


def test_one_that_was_struck_while_it_ended_is_ended_and_no_other(database: str) -> None:
    client = mlflow.MlflowClient()
    experiment = mlflow.get_experiment_by_name("digits").experiment_id
    struck, done = (client.create_run(experiment, run_name="mine") for _ in range(2))
    theirs = client.create_run(experiment, run_name="theirs")
    client.set_terminated(done.info.run_id, "FINISHED")
    end_left_over(TrackingConfig(experiment="digits"), "another model", "mine")
    states = [_state(database, run) for run in (struck, done, theirs)]
    assert states == ["KILLED", "FINISHED", "RUNNING"]


def test_a_run_that_a_person_opened_stays_open(database: str) -> None:
    experiment = mlflow.get_experiment_by_name("digits").experiment_id
    with mlflow.start_run(experiment_id=experiment, run_name="by hand") as run:
        end_left_over(TrackingConfig(), "digits", "mine")
        assert _state(database, run) == "RUNNING"
        assert mlflow.active_run() is run
        mlflow.set_tracking_uri(database)


def test_a_tracker_that_does_not_answer_is_left_alone(
    stack: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def refuse(*arguments: Any, **options: Any) -> Any:
        tries.append(1)
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    stack.experiment_tracker = _tracker("http://127.0.0.1:9")
    end_left_over(TrackingConfig(), "digits", "mine")
    assert len(tries) == 1
    assert not mlflow.is_tracking_uri_set()


@pytest.mark.parametrize("tracker", [None, SimpleNamespace(name="theirs", flavor="wandb")])
def test_without_mlflow_nothing_is_open(stack: SimpleNamespace, tracker: Any) -> None:
    stack.experiment_tracker = tracker
    end_left_over(TrackingConfig(), "digits", "mine")
