"""The core runs without ZenML: ``python -m vision``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synthetic import write_images
from vision.home import repository

JOB = """\
pipeline: training
model: {{name: colours, input_size: [16, 16]}}
dataset: {{source: folder, path: {path}}}
validation: {{fail_on: {{corrupt_images: "> 0"}}}}
training: {{epochs: 4, batch_size: 16, learning_rate: 5.0e-3}}
augmentation: {{backend: none}}
evaluation: {{gate: {{accuracy: {accuracy}}}}}
bundle: {{n_golden: 3}}
drift:
  {{windows: [20], every_n: 10, n_draws: 400, n_power_images: 0,
    false_alarms: 1 per 1 days at 200 images per day}}
"""
MODULES = """
import runpy, sys
try:
    runpy.run_module("vision", run_name="__main__", alter_sys=True)
finally:
    tools = {"zenml", "mlflow", "bentoml", "dvc", "deepchecks", "click"}
    print("tools:", sorted(tools & set(sys.modules)))
"""


def run_core(tmp_path: Path, accuracy: float = 0.0) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "job.yaml"
    config.write_text(JOB.format(path=tmp_path / "images", accuracy=accuracy))
    environment = {**os.environ, "VISIONSTACK_HOME": str(tmp_path / "home")}
    return subprocess.run(
        [sys.executable, "-c", MODULES, "--config", str(config)],
        capture_output=True, text=True, cwd=repository(), env=environment, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
def test_one_command_makes_a_bundle_without_any_tool(tmp_path):
    write_images(tmp_path / "images", 100)  # 20 of validation are needed
    ended = run_core(tmp_path, accuracy=0.9)
    assert ended.returncode == 0, ended.stderr
    assert "tools: []" in ended.stdout
    folder = Path(ended.stdout.splitlines()[0])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["name"] == "colours"
    assert manifest["metrics"]["accuracy"] >= 0.9


@pytest.mark.slow
def test_a_gate_stops_before_training(tmp_path):
    write_images(tmp_path / "images", 10)
    (tmp_path / "images" / "red" / "000.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ended = run_core(tmp_path)
    assert ended.returncode == 3
    assert "stopped by a gate: corrupt_images = 1, required <= 0" in ended.stderr
    assert "epoch" not in ended.stderr
