"""Training again: what comes from the cache, and what a change makes run once more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from zenml.client import Client

from pipelines.launch import launch
from pipelines.report import RunReport
from tests.pipelines.conftest import MakeJob
from vision.bundles.champion import read_champion
from vision.bundles.load import ServingModel
from vision.home import home

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_second_run_comes_from_the_cache(trained: RunReport, make_job: MakeJob) -> None:
    before = Client().list_model_versions("colours").total
    again = launch(make_job())
    assert again.status == "completed"
    assert set(again.seconds.values()) == {0.0}
    assert again.pipeline_run.id != trained.pipeline_run.id
    assert again.model == trained.model
    assert again.metrics == trained.metrics
    assert again.tracking_run == trained.tracking_run
    assert Client().list_model_versions("colours").total == before


def test_a_deleted_champion_comes_back_although_all_else_is_cached(
    trained: RunReport, make_job: MakeJob
) -> None:
    (home() / "champions" / "colours.json").unlink()
    shutil.rmtree(str(trained.bundle))
    again = launch(make_job())
    assert again.status == "completed"
    assert {name for name, seconds in again.seconds.items() if seconds > 0} == {"register_model"}
    champion = read_champion("colours")
    assert champion is not None
    assert champion.version == trained.model.version
    assert ServingModel.load(Path(str(trained.bundle))).check_golden() <= 1e-4


def test_a_new_gate_judges_again_without_training_again(
    trained: RunReport, make_job: MakeJob
) -> None:
    report = launch(make_job(evaluation={"gate": {"accuracy": 0.0, "macro_f1": 0.0}}))
    assert report.status == "completed"
    assert report.seconds["train_model"] == 0.0
    assert report.seconds["evaluate_model"] > 0.0
    assert [gate.name for gate in report.gates] == ["corrupt_images", "accuracy", "macro_f1"]


def test_other_settings_give_a_challenger_whose_tracking_run_is_whole(
    trained: RunReport, make_job: MakeJob
) -> None:
    import mlflow

    report = launch(make_job(training={"epochs": 1}))
    assert report.status == "completed"
    assert report.model.version != trained.model.version
    champion = read_champion("colours")
    assert champion is not None
    assert champion.version == trained.model.version
    uri = Client().active_stack.experiment_tracker.get_tracking_uri()  # type: ignore[union-attr]
    client = mlflow.MlflowClient(tracking_uri=uri)
    assert report.seconds["validate_dataset"] == 0.0
    run_id = str(report.tracking_run.id)
    [page] = client.list_artifacts(run_id, "validation")
    [first] = client.list_artifacts(str(trained.tracking_run.id), "validation")
    assert (page.path, page.file_size) == ("validation/report.html", first.file_size)
    assert {"findings_errors", "findings_warnings"} <= set(client.get_run(run_id).data.metrics)
    by_alias = {
        alias: client.get_model_version_by_alias("colours", alias).tags["model_version"]
        for alias in ("champion", "challenger")
    }
    assert by_alias == {"champion": trained.model.version, "challenger": report.model.version}


def test_changed_data_run_everything_again(
    trained: RunReport, make_job: MakeJob, images: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "images"
    shutil.copytree(images, copy)
    job = make_job(dataset={"source": "folder", "path": str(copy)})
    (copy / "train" / "red" / "000.png").unlink()
    report = launch(job)
    assert report.status == "completed"
    assert report.seconds["train_model"] > 0.0
    assert report.model.version != trained.model.version


def test_the_same_data_elsewhere_are_not_trained_on_again(
    trained: RunReport, make_job: MakeJob, images: Path, tmp_path: Path
) -> None:
    shutil.copytree(images, tmp_path / "moved")
    report = launch(make_job(dataset={"source": "folder", "path": str(tmp_path / "moved")}))
    assert report.seconds["load_dataset"] > 0.0
    assert report.seconds["train_model"] == 0.0
    assert report.model == trained.model
