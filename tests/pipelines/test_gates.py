"""A gate stops the pipeline, keeps the report, and nothing behind it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from zenml.client import Client

from pipelines.launch import launch
from tests.pipelines.conftest import MakeJob
from tests.synthetic import write_images

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def damaged(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("damaged") / "images"
    shutil.copytree(images, copy)
    whole = (copy / "train" / "red" / "003.png").read_bytes()
    (copy / "train" / "red" / "003.png").write_bytes(whole[: len(whole) // 2])
    return copy


def test_bad_data_are_never_trained_on(
    make_job: MakeJob, damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = launch(make_job(dataset={"source": "folder", "path": str(damaged)}))
    assert report.status == "stopped"
    assert list(report.seconds) == [
        "load_dataset",
        "compute_properties",
        "validate_dataset",
        "gate_dataset",
    ]
    [gate] = report.gates
    assert (gate.name, gate.passed, gate.value, gate.rule) == ("corrupt_images", False, 1, "<= 0")
    named = {finding.check: finding.images for finding in report.findings}
    assert named["corrupt_images"] == ("train/red/003.png",)
    assert report.model.version is None
    assert report.bundle is None
    assert report.error is None
    assert "Traceback" not in "".join(capsys.readouterr())


def test_the_report_of_refused_data_is_kept(make_job: MakeJob, damaged: Path) -> None:
    report = launch(make_job(dataset={"source": "folder", "path": str(damaged)}))
    run = Client().get_pipeline_run(str(report.pipeline_run.id))
    [[artifact]] = run.steps["validate_dataset"].outputs.values()
    assert artifact.run_metadata["passed"] is False
    assert "train/red/003.png" in artifact.load().html
    assert report.tracking_run.id == artifact.run_metadata["tracking_run"]


def test_a_model_below_its_minimum_is_not_registered(make_job: MakeJob) -> None:
    job = make_job(
        model={"name": "poor"}, training={"epochs": 1}, evaluation={"gate": {"accuracy": 1.0}}
    )
    report = launch(job)
    assert report.status == "stopped"
    assert report.metrics["accuracy"] is not None
    assert report.metrics["accuracy"] < 1.0
    assert "build_bundle" not in report.seconds
    assert [gate.sentence for gate in report.gates if not gate.passed] == [
        f"accuracy = {report.metrics['accuracy']:.6g}, required >= 1"
    ]
    with pytest.raises(KeyError):
        Client().get_model("poor")


def test_data_without_a_split_that_is_needed_stop_at_once(
    make_job: MakeJob, tmp_path: Path
) -> None:
    dataset = {"source": "folder", "path": str(write_images(tmp_path, 8)), "split": {"test": 0}}
    report = launch(make_job(dataset=dataset))
    assert report.status == "failed"
    assert "dataset.split.test is 0: set it above 0" in str(report.error)
    assert list(report.seconds) == ["load_dataset"]


def test_a_gate_is_not_tried_again(make_job: MakeJob, damaged: Path) -> None:
    job = make_job(
        dataset={"source": "folder", "path": str(damaged)}, zenml={"retry": {"max_retries": 2}}
    )
    report = launch(job)
    assert report.status == "stopped"
    tries = Client().list_run_steps(
        name="gate_dataset", pipeline_run_id=str(report.pipeline_run.id), exclude_retried=False
    )
    assert [step.version for step in tries.items] == [1]
