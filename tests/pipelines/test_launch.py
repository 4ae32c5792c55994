"""Launching: what is refused before anything starts, and how runs end that do not complete."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client
from zenml.enums import StackComponentType

from pipelines.launch import launch, plan
from pipelines.leftovers import mark_leftovers
from tests.pipelines.conftest import STACK, MakeJob, newest_run
from vision.errors import ModelError, StackError
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def _n_runs() -> int:
    return int(Client().list_pipeline_runs().total)


def test_a_missing_dataset_starts_nothing(make_job: MakeJob) -> None:
    before = _n_runs()
    report = launch(make_job(dataset={"source": "folder", "path": "/does/not/exist"}))
    assert report.status == "failed"
    assert "/does/not/exist" in str(report.error)
    assert report.pipeline_run.id is None
    assert _n_runs() == before


def test_an_unknown_stack_is_refused(make_job: MakeJob) -> None:
    with pytest.raises(StackError, match=r"no stack 'lokal' .*; did you mean 'local'\?"):
        launch(make_job(), stack="lokal")


def test_a_stack_without_validator_is_refused(make_job: MakeJob) -> None:
    with pytest.raises(StackError, match="stack 'default' has no data_validator"):
        launch(make_job(), stack="default")
    assert Client().active_stack_model.name == STACK


def test_the_plan_names_stack_and_steps_and_starts_nothing(make_job: MakeJob) -> None:
    before = _n_runs()
    lines = plan(make_job()).splitlines()
    assert lines[0] == "pipeline training on stack local"
    assert "  experiment_tracker: local (mlflow)" in lines
    assert lines[-11:] == [
        "  1. load_dataset",
        "  2. compute_properties",
        "  3. validate_dataset",
        "  4. gate_dataset",
        "  5. select_images",
        "  6. preview_augmentation",
        "  7. train_model",
        "  8. evaluate_model",
        "  9. gate_model",
        "  10. build_bundle",
        "  11. register_model",
    ]
    assert _n_runs() == before


@pytest.fixture
def bare_stack() -> str:
    """A stack with nothing but what the pipeline cannot do without."""
    client = Client()
    kinds = ("orchestrator", "artifact_store", "data_validator")
    components = client.get_stack(STACK).components
    parts = {StackComponentType(kind): components[StackComponentType(kind)][0].id for kind in kinds}
    client.create_stack("bare", parts)
    return "bare"


def test_a_stack_without_tracker_and_registry_trains_as_well(
    make_job: MakeJob, bare_stack: str
) -> None:
    report = launch(make_job(model={"name": "untracked"}), stack=bare_stack)
    assert report.status == "completed", report.error
    assert report.tracking_run.id is None
    run = Client().get_pipeline_run(str(report.pipeline_run.id))
    [[artifact]] = run.steps["register_model"].outputs.values()
    assert artifact.load().registry_version is None
    assert artifact.load().alias == "champion"
    assert Client().active_stack_model.name == STACK


def test_a_failed_step_is_named_with_its_message(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise ModelError("the loss is NaN; lower training.learning_rate")

    monkeypatch.setattr("vision.training.fit.train_model", fail)
    report = launch(make_job(training={"seed": 7}))
    assert report.status == "failed"
    assert report.error == "step train_model: the loss is NaN; lower training.learning_rate"
    assert "evaluate_model" not in report.seconds
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_step_is_tried_again_as_configured(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vision.training import fit

    train, tries = fit.train_model, []

    def fail_once(*arguments: Any, **options: Any) -> fit.TrainedModel:
        tries.append(1)
        if len(tries) == 1:
            raise ModelError("a passing fault")
        return train(*arguments, **options)

    monkeypatch.setattr("vision.training.fit.train_model", fail_once)
    report = launch(make_job(training={"seed": 9}, zenml={"retry": {"max_retries": 1}}))
    assert report.status == "completed", report.error
    assert len(tries) == 2


def test_a_defect_keeps_its_traceback(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("vision.training.fit.train_model", fail)
    report = launch(make_job(training={"seed": 8}))
    assert report.status == "failed"
    assert report.error == "step train_model: a defect"
    assert "ZeroDivisionError: a defect" in caplog.text


@pytest.fixture
def long_training(tmp_path: Path, images: Path) -> Path:
    config = tmp_path / "long.yaml"
    config.write_text(
        f"""
pipeline: training
model: {{name: endless, input_size: [16, 16]}}
dataset: {{source: folder, path: {images}}}
validation: {{suites: []}}
training: {{epochs: 10000, patience: 10000}}
"""
    )
    return config


def _start(config: Path) -> subprocess.Popen[str]:
    """Starts the command line and comes back when it is training."""
    command = [sys.executable, str(repository() / "run.py"), "--config", str(config)]
    process = subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository(),
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2 of"):
            return process
    raise AssertionError(f"no training: {process.communicate()}")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_quietly_and_is_marked(
    long_training: Path, sent: signal.Signals
) -> None:
    process = _start(long_training)
    process.send_signal(sent)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stdout + stderr
    assert "Traceback" not in stdout + stderr
    assert "interrupted" in stderr
    run = newest_run()
    assert run.status.value == "failed"
    assert all(step.status.is_finished for step in run.steps.values())


def test_a_killed_run_is_marked_by_the_next_launch(long_training: Path) -> None:
    process = _start(long_training)
    run = newest_run()
    assert mark_leftovers() == [], "its process still lives"
    process.kill()
    process.communicate(timeout=60)
    time.sleep(0.1)
    assert newest_run().status.value == "running"
    assert mark_leftovers() == [run.name]
    assert newest_run().status.value == "failed"
    assert mark_leftovers() == []
