"""The evaluation pipeline: a registered bundle, scored by the graph that is served."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.launch import launch
from pipelines.report import RunReport
from tests.pipelines.conftest import MakeJob

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


@pytest.fixture
def renamed(tmp_path: Path, images: Path) -> dict[str, str]:
    """The images of the training with red called pink in every split."""
    copy = tmp_path / "images"
    shutil.copytree(images, copy)
    for split in ("train", "validation", "test"):
        (copy / split / "red").rename(copy / split / "pink")
    return {"source": "folder", "path": str(copy)}


def test_other_classes_are_refused_unless_that_is_meant(
    trained: RunReport, make_job: MakeJob, renamed: dict[str, str]
) -> None:
    report = launch(make_job(pipeline="evaluation", dataset=renamed))
    assert report.status == "stopped"
    [gate] = [gate for gate in report.gates if not gate.passed]
    assert gate.sentence == "class_changes = 1, required <= 0"
    [finding] = [each for each in report.findings if each.check == "class_changes"]
    assert finding.severity == "error"


def test_where_it_is_meant_shared_classes_are_scored(
    trained: RunReport,
    make_job: MakeJob,
    renamed: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    allowed = {"allow_class_changes": True}
    report = launch(make_job(pipeline="evaluation", dataset=renamed, validation=allowed))
    assert report.status == "completed", report.error
    assert report.metrics["accuracy"] is not None
    assert "was scored on the 2 classes that it shares with the dataset; 30 images of others" in (
        capsys.readouterr().err
    )


def test_training_on_other_classes_is_refused_too(
    trained: RunReport, make_job: MakeJob, renamed: dict[str, str]
) -> None:
    report = launch(make_job(dataset=renamed))
    assert report.status == "stopped"
    assert "train_model" not in report.seconds
