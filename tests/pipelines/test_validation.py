"""The validation pipeline, quarantine, and the files that are written for people."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from zenml.client import Client

from pipelines.launch import launch
from pipelines.report import RunReport
from pipelines.validation_files import write_validation
from tests.pipelines.conftest import MakeJob
from vision.datasets.table import AnnotationTable

pytestmark = [pytest.mark.integration, pytest.mark.slow]

STEPS = {
    "load_dataset",
    "compute_properties",
    "validate_dataset",
    "gate_dataset",
    "select_images",
}


@pytest.fixture(scope="module")
def spoilt(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images with one cut short, one copied into the test, and one flat."""
    copy = tmp_path_factory.mktemp("spoilt") / "images"
    shutil.copytree(images, copy)
    short = copy / "train" / "red" / "003.png"
    short.write_bytes(short.read_bytes()[:200])
    shutil.copyfile(copy / "train" / "red" / "004.png", copy / "test" / "red" / "copy.png")
    return copy


@pytest.fixture(scope="module")
def kept(make_job: MakeJob, spoilt: Path) -> RunReport:
    """What came of the spoilt images where they are put into quarantine."""
    checks = ["corrupt_images", "duplicates_across_splits"]
    return launch(
        make_job(
            pipeline="validation",
            dataset={"source": "folder", "path": str(spoilt)},
            validation={
                "suites": [],
                "fail_on": {"corrupt_images": "> 0", "duplicates_across_splits": "> 0"},
                "quarantine": checks,
            },
        )
    )


def test_bad_images_stop_it_by_default(make_job: MakeJob, spoilt: Path) -> None:
    job = make_job(pipeline="validation", dataset={"source": "folder", "path": str(spoilt)})
    job = job.model_copy(
        update={"validation": type(job.validation)(suites=())}  # the conditions by default
    )
    report = launch(job)
    assert report.status == "stopped"
    failed = [gate.sentence for gate in report.gates if not gate.passed]
    assert failed == [
        "corrupt_images = 1, required <= 0",
        "duplicates_across_splits = 2, required <= 0",
    ]
    assert set(report.seconds) == STEPS - {"select_images"}


def test_quarantine_leaves_them_out_and_says_how_many(kept: RunReport) -> None:
    assert kept.status == "completed", kept.error
    assert set(kept.seconds) == STEPS
    assert kept.left_out == {"corrupt_images": 1, "duplicates_across_splits": 1}
    assert all(gate.passed for gate in kept.gates)
    assert "left out      1 image by corrupt_images" in kept.summary()
    step = Client().get_pipeline_run(str(kept.pipeline_run.id)).steps["select_images"]
    [[artifact]] = step.outputs.values()
    table = artifact.load()
    assert isinstance(table, AnnotationTable)
    paths = set(table.frame["path"])
    assert "test/red/copy.png" in paths, "of copies the held-out one stays"
    assert not paths & {"train/red/003.png", "train/red/004.png"}
    assert len(table) == 89


def test_the_page_and_the_rows_are_written(kept: RunReport, tmp_path: Path) -> None:
    page, rows = tmp_path / "page.html", tmp_path / "rows.csv"
    assert list(write_validation(kept, "colours", page, rows)) == [page, rows]
    assert "train/red/004.png" in page.read_text()
    listed = pd.read_csv(rows)
    copies = listed[listed["check"] == "duplicates_across_splits"]
    assert list(copies["path"]) == ["test/red/copy.png", "train/red/004.png"]


def test_without_a_name_the_page_lies_in_the_projects_home(kept: RunReport, home: Path) -> None:
    [page] = write_validation(kept, "colours", None, None)
    assert page == home / "validation" / "colours.html"
    assert page.is_file()


def test_what_never_ran_leaves_no_file(tmp_path: Path) -> None:
    ended = RunReport(pipeline="validation", status="failed")
    assert list(write_validation(ended, "colours", tmp_path / "page.html", None)) == []


def test_training_takes_what_was_checked_from_the_cache(
    make_job: MakeJob, trained: RunReport
) -> None:
    report = launch(make_job(pipeline="validation"))
    assert report.status == "completed", report.error
    assert report.seconds["compute_properties"] == 0.0
    assert report.seconds["validate_dataset"] == 0.0


def test_selected_checks_run_alone(make_job: MakeJob) -> None:
    # No suite of the fixture's jobs, and no condition but those by default that still apply.
    job = make_job(pipeline="validation")
    validation = type(job.validation)(suites=(), checks=("class_imbalance", "conflicting_labels"))
    report = launch(job.model_copy(update={"validation": validation}))
    assert report.status == "completed", report.error
    assert [gate.name for gate in report.gates] == ["corrupt_images", "conflicting_labels"]
    assert [finding.check for finding in report.findings] == ["class_imbalance"]


@pytest.fixture
def several(images: Path) -> Path:
    """A table of the images in which some have two classes, one of them none."""
    table = images / "several.csv"
    rows = [
        f"{path.relative_to(images).as_posix()},{path.parent.name}{'|sunny' if n % 3 else ''}"
        for n, path in enumerate(sorted(images.glob("*/*/*.png")))
    ]
    rows[0] = f"{rows[0].split(',')[0]},"
    table.write_text("\n".join(["path,labels", *rows, ""]))
    return table


def test_several_classes_per_image_are_checked_and_not_trained_on(
    make_job: MakeJob, several: Path
) -> None:
    dataset = {"source": "table", "path": str(several)}
    # The champion of the other tests has no class sunny.
    changes = {"allow_class_changes": True}
    report = launch(make_job(pipeline="validation", dataset=dataset, validation=changes))
    assert report.status == "completed", report.error
    report = launch(make_job(dataset=dataset, validation=changes))
    assert report.status == "failed"
    assert "training and evaluation take one class per image" in str(report.error)
    assert "validate_dataset" not in report.seconds


def test_a_class_that_quarantine_empties_is_not_trained_on(
    make_job: MakeJob, images: Path, tmp_path: Path
) -> None:
    root = tmp_path / "images"
    shutil.copytree(images, root)
    for path in (root / "train" / "red").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    report = launch(
        make_job(
            dataset={"source": "folder", "path": str(root)},
            validation={"quarantine": ["corrupt_images"]},
        )
    )
    assert report.status == "failed"
    assert "validation.quarantine leaves no training image of 1 class ('red'; " in str(report.error)
    assert "train_model" not in report.seconds
