"""The evaluation pipeline: a registered bundle, scored by the graph that is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.launch import launch
from pipelines.report import RunReport
from tests.pipelines.conftest import MakeJob
from tests.synthetic import COLOURS, write_images

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_champion_scores_as_it_did_in_training(trained: RunReport, make_job: MakeJob) -> None:
    report = launch(make_job(pipeline="evaluation"))
    assert report.status == "completed", report.error
    assert report.pipeline == "evaluation"
    assert report.metrics == pytest.approx(trained.metrics, abs=1e-6)
    assert report.model == trained.model
    assert list(report.seconds)[-2:] == ["evaluate_bundle", "gate_model"]
    assert report.tracking_run.id not in (None, trained.tracking_run.id)


def test_a_version_can_be_named(trained: RunReport, make_job: MakeJob) -> None:
    named = {"model": trained.model.version, "split": "validation"}
    report = launch(make_job(pipeline="evaluation", evaluation=named))
    assert report.status == "completed", report.error
    assert report.model == trained.model


def test_a_version_that_does_not_exist_is_named(trained: RunReport, make_job: MakeJob) -> None:
    job = make_job(pipeline="evaluation", evaluation={"model": "20200101-000000-00000000"})
    report = launch(job)
    assert report.status == "failed"
    assert report.pipeline_run.id is None, "it is known before anything runs"
    assert str(report.error).startswith(
        "evaluation.model = '20200101-000000-00000000': model 'colours:20200101-000000-00000000' "
        "is not in the BentoML model store"
    )


def test_without_a_champion_the_next_move_is_named(make_job: MakeJob) -> None:
    report = launch(make_job(pipeline="evaluation", model={"name": "nobody"}))
    assert report.status == "failed"
    assert report.pipeline_run.id is None
    assert "'nobody' has no champion to evaluate; train one" in str(report.error)


def test_other_classes_are_refused(trained: RunReport, make_job: MakeJob, tmp_path: Path) -> None:
    write_images(tmp_path, 4, ("train", "validation", "test"))
    assert set(COLOURS) == {"blue", "green", "red"}
    for split in ("train", "validation", "test"):
        (tmp_path / split / "red").rename(tmp_path / split / "pink")
    dataset = {"source": "folder", "path": str(tmp_path)}
    report = launch(make_job(pipeline="evaluation", dataset=dataset))
    assert report.status == "failed"
    assert "knows the classes blue, green, red, the dataset has blue, green, pink" in str(
        report.error
    )
