"""One real pipeline run on 90 small images, shared by the tests that look at what it left."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client
from zenml.models import PipelineRunResponse

from pipelines.report import RunReport
from tests.synthetic import write_images
from vision.config import JobConfig

STACK = "local"
MakeJob = Callable[..., JobConfig]
# Quick to calibrate, for a handful of images.
DRIFT = {
    "backend": "scipy",
    "windows": [20],
    "every_n": 10,
    "false_alarms": "1 per 1 days at 200 images per day",
    "n_draws": 400,
    "n_power_images": 0,
}


@pytest.fixture(scope="session", autouse=True)
def local_stack() -> None:
    """The project's own ``local`` stack, registered in the session's ZenML store."""
    from stacks import registry

    os.environ.pop("ZENML_ACTIVE_STACK_ID", None)
    registry.apply([STACK])
    Client().activate_stack(STACK)


def newest_run() -> PipelineRunResponse:
    """The pipeline run that was begun last."""
    return Client().list_pipeline_runs(sort_by="desc:created", size=1, hydrate=True).items[0]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"), 10, ("train", "validation", "test"))


@pytest.fixture(scope="session")
def make_job(images: Path) -> MakeJob:
    """Makes a job that trains within seconds; keywords lay sections over it."""

    def make(**sections: Any) -> JobConfig:
        values: dict[str, Any] = {
            "pipeline": "training",
            "model": {"name": "colours", "input_size": [16, 16]},
            "dataset": {"source": "folder", "path": str(images)},
            "validation": {"suites": [], "fail_on": {"corrupt_images": "> 0"}},
            "training": {"epochs": 2, "batch_size": 16},
            "evaluation": {"gate": {"accuracy": 0.0}},
            "bundle": {"n_reference": 20, "n_golden": 3},
            "drift": DRIFT,
            "tracking": {"experiment": "colours", "tags": {"purpose": "test"}},
        }
        for name, section in sections.items():
            is_section = isinstance(section, dict) and name != "dataset"
            values[name] = {**values.get(name, {}), **section} if is_section else section
        return JobConfig.model_validate(values)

    return make


@pytest.fixture(scope="session")
def trained(make_job: MakeJob) -> RunReport:
    """The report of the first run."""
    from pipelines.launch import launch

    report = launch(make_job())
    assert report.status == "completed", json.dumps(report.to_json(), indent=1) + str(report.error)
    return report
