"""The stack ``ci`` runs where neither Deepchecks nor MLflow can be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.conftest import DRIFT
from tests.synthetic import write_images
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]

RUN = """
import json, sys
from zenml.client import Client
from pipelines.launch import launch
from stacks import registry
from vision.config import JobConfig

registry.apply(["ci", "local"])
Client().activate_stack("ci")
job = JobConfig.model_validate(json.loads(sys.argv[1]))
report = launch(job)
run = Client().get_pipeline_run(Client().list_pipeline_runs(size=1).items[0].id)
validated = run.steps["validate_dataset"].outputs["validation_report"][0].load()
print("RESULT", json.dumps({
    "status": report.status,
    "error": str(report.error),
    "steps": {name: step.status.value for name, step in run.steps.items()},
    "validator": validated.validator,
    "passed": validated.passed,
    "findings": {found.check: found.value for found in validated.findings},
    "page_bytes": len(validated.html.encode()),
    "loaded": sorted({"deepchecks", "mlflow", "torch"} & set(sys.modules)),
}))
"""


def run_on_ci(tmp_path: Path) -> dict[str, Any]:
    """Runs a pipeline on the stack ``ci`` in a process where some packages only raise."""
    for name in ("deepchecks", "mlflow", "torch"):
        package = tmp_path / "stubs" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('not installed here')\n")
    images = write_images(tmp_path / "images", 60, ("train", "validation", "test"))
    job = {
        "pipeline": "training",
        "model": {"name": "colours", "input_size": [16, 16]},
        "dataset": {"source": "folder", "path": str(images)},
        "validation": {"fail_on": {"corrupt_images": "> 0", "feature_drift": "> 0.9"}},
        "training": {"epochs": 1, "batch_size": 64},
        "bundle": {"n_reference": 20, "n_golden": 3},
        "drift": DRIFT,
    }
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "stubs"), str(repository())]),
        "VISIONSTACK_HOME": str(tmp_path / "home"),
        "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
        "ZENML_REPOSITORY_PATH": str(tmp_path),
        "BENTOML_HOME": str(tmp_path / "bentoml"),
    }
    environment.pop("ZENML_ACTIVE_STACK_ID", None)
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(job)],
        capture_output=True, text=True, timeout=400, env=environment, cwd=tmp_path,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stdout[-3000:] + done.stderr[-3000:]
    result: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    return result


def test_the_same_pipeline_trains_without_deepchecks_and_without_a_tracker(tmp_path: Path) -> None:
    result = run_on_ci(tmp_path)
    assert result["status"] == "completed", result["error"]
    assert set(result["steps"].values()) == {"completed"}
    assert result["validator"] == "property_schema"
    assert result["passed"] is True
    assert result["findings"]["feature_drift"] < 0.9
    assert result["findings"]["split_size_ratio"] == 1.0
    assert 10_000 < result["page_bytes"] < 1_000_000
    assert result["loaded"] == []
