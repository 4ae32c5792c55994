"""Data that change between the start of a pipeline and its first step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client

from pipelines.launch import launch
from pipelines.report import RunReport
from steps.datasets import read_dataset
from tests.dvc_repositories import make_versions
from tests.pipelines.conftest import MakeJob
from tests.synthetic import write_images

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.fault]


def _after_reading(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Lets something happen between the two readings."""

    def read(dataset: Any) -> Any:
        table = read_dataset(dataset)
        change()
        return table

    monkeypatch.setattr("pipelines.inputs.read_dataset", read)


def _table(report: RunReport) -> Any:
    run = Client().get_pipeline_run(str(report.pipeline_run.id))
    [[artifact]] = run.steps["load_dataset"].outputs.values()
    return artifact.load()


def test_what_the_step_reads_is_never_remembered_as_other_data(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = write_images(tmp_path / "images", 10, ("train", "validation", "test"), seed=41)
    job = make_job(
        pipeline="validation",
        model={"name": "raced"},
        dataset={"source": "folder", "path": str(images)},
    )
    raced_file = images / "train" / "red" / "000.png"
    whole = raced_file.read_bytes()
    raced_file.write_bytes(whole[:60])
    with monkeypatch.context() as context:
        _after_reading(context, lambda: raced_file.write_bytes(whole))
        raced = launch(job)
    assert raced.status == "failed"
    assert re.fullmatch(
        rf"step load_dataset: The dataset {images} changed while the pipeline started: its digest "
        r"was [0-9a-f]{12} and is [0-9a-f]{12} now\. Run it again once nothing writes to the data "
        r"any more\.",
        str(raced.error),
    )
    raced_file.write_bytes(whole[:60])
    damaged = launch(job)
    assert damaged.status == "stopped", "damaged data passed with the table of whole ones"
    failed = [gate.sentence for gate in damaged.gates if not gate.passed]
    assert failed == ["corrupt_images = 1, required <= 0"]
    raced_file.write_bytes(whole)
    assert launch(job).status == "completed"


def test_a_branch_that_moves_is_read_where_it_was(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, commits = make_versions(tmp_path / "dvc")
    workspace.git("branch", "moving", "v1")
    dataset = workspace.section("moving").model_dump()
    job = make_job(pipeline="validation", model={"name": "moved"}, dataset=dataset)
    with monkeypatch.context() as context:
        _after_reading(context, lambda: workspace.git("branch", "--force", "moving", "v2"))
        first = launch(job)
    second = launch(job)
    for report, tag, n_images in ((first, "v1", 24), (second, "v2", 25)):
        assert report.status == "completed", report.error
        table = _table(report)
        assert len(table) == n_images
        assert table.source["revision"] == "moving"
        assert table.source["commit"] == commits[tag]


def test_a_folder_is_compared_with_its_workspace_once_a_run(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steps.revisions import describe_workspace

    workspace, commits = make_versions(tmp_path / "dvc")
    compared: list[Path] = []

    def describe(folder: Path, table: Path | None) -> dict[str, str]:
        compared.append(folder)
        return describe_workspace(folder, table)

    monkeypatch.setattr("steps.datasets.describe_workspace", describe)
    folder = workspace.root / "images"
    report = launch(
        make_job(
            pipeline="validation",
            model={"name": "once"},
            dataset={"source": "folder", "path": str(folder)},
        )
    )
    assert report.status == "completed", report.error
    assert compared == [folder]
    source = _table(report).source
    assert (source["workspace_commit"], source["workspace_state"]) == (commits["v2"], "clean")
