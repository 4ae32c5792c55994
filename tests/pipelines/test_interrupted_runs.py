"""Ctrl-C at the worst moments of a run: inside other people's database statements, with retries."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlflow
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from zenml.client import Client

from pipelines.launch import launch
from tests.pipelines.conftest import MakeJob, newest_run

# Then all steps before the training come from the cache.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.usefixtures("trained"),
]


def _functions() -> set[str]:
    frame, found = sys._getframe(), set()
    while frame is not None:
        found.add(frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return found


@contextmanager
def _interrupted_in_statement(begins: str, called_by: set[str]) -> Iterator[list[str]]:
    """Sends Ctrl-C once, right after a statement that these functions led to was executed."""
    struck: list[str] = []

    def strike(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not struck and statement.startswith(begins) and called_by <= _functions():
            struck.append(statement)
            signal.raise_signal(signal.SIGINT)

    sa.event.listen(Engine, "after_cursor_execute", strike)
    try:
        yield struck
    finally:
        sa.event.remove(Engine, "after_cursor_execute", strike)


def _tracking_states(experiment: str) -> set[str]:
    uri = Client().active_stack.experiment_tracker.get_tracking_uri()
    client = mlflow.MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return {run.info.status for run in client.search_runs([found.experiment_id])}


_MOMENTS: dict[str, tuple[str, set[str]]] = {
    "MLflow writes the numbers of an epoch": ("SELECT latest_metrics", {"end_epoch"}),
    "MLflow's run is begun": ("SELECT", {"start_run", "prepare_step_run"}),
    "MLflow's run is ended": ("SELECT", {"cleanup_step_run"}),
    "ZenML notes that a step begins": ("SELECT", {"create_run_step"}),
}


@pytest.mark.parametrize("moment", _MOMENTS)
def test_a_run_that_is_struck_in_a_statement_ends_as_interrupted(
    make_job: MakeJob, moment: str, capfd: pytest.CaptureFixture[str]
) -> None:
    seed = 100 + list(_MOMENTS).index(moment)
    job = make_job(training={"seed": seed}, tracking={"experiment": f"struck-{seed}"})
    with _interrupted_in_statement(*_MOMENTS[moment]) as struck, pytest.raises(KeyboardInterrupt):
        launch(job)
    assert len(struck) == 1
    run = newest_run()
    assert run.status.value == "failed"
    assert all(step.status.is_finished for step in run.steps.values())
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert "locked" not in said
    if moment.startswith("MLflow"):
        assert "RUNNING" not in _tracking_states(f"struck-{seed}")


def test_a_step_whose_results_were_removed_runs_again(make_job: MakeJob) -> None:
    job = make_job(training={"seed": 110})
    after_it_was_noted = {"publish_successful_step_run", "to_model"}
    with _interrupted_in_statement("SELECT", after_it_was_noted), pytest.raises(KeyboardInterrupt):
        launch(job)
    steps = newest_run().steps
    assert steps["train_model"].status.value == "completed", "else it tests something else"
    report = launch(job)
    assert report.status == "completed", report.error
    again = Client().get_pipeline_run(str(report.pipeline_run.id)).steps
    assert again["load_dataset"].status.value == "cached"
    assert again["train_model"].status.value == "completed"


@pytest.fixture
def count_tries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Interrupts each training as it begins, and counts them."""
    tries = []

    def interrupt(*arguments: Any, **options: Any) -> None:
        tries.append(1)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("vision.training.fit.train_model", interrupt)
    return lambda: len(tries)


def test_an_interrupted_step_is_not_tried_again(
    make_job: MakeJob, count_tries: Callable[[], int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        launch(make_job(training={"seed": 120}, zenml={"retry": {"max_retries": 3}}))
    assert count_tries() == 1
    run = newest_run()
    assert run.status.value == "failed"
    assert run.steps["train_model"].status.value == "failed"


def test_an_interrupt_ends_the_wait_for_the_next_try(
    make_job: MakeJob, count_tries: Callable[[], int]
) -> None:
    retry = {"max_retries": 3, "delay_s": 3600}
    with pytest.raises(KeyboardInterrupt):
        launch(make_job(training={"seed": 121}, zenml={"retry": retry}))
    assert count_tries() == 1
    run = newest_run()
    assert run.status.value == "failed"
    assert run.steps["train_model"].status.value == "stopped"
