"""What the project does with 10,000 real photographs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vision.config import DatasetConfig, ValidationConfig
from vision.datasets.load import load_annotations
from vision.home import repository
from vision.properties import NUMERIC, compute_properties
from vision.validation.find import find_problems
from vision.validation.judge import judge_findings

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_every_photograph_is_read_and_the_sample_passes(cifar10: Path, home: Path) -> None:
    table = load_annotations(DatasetConfig(source="folder", path=str(cifar10)))
    properties = compute_properties(table)
    assert len(table) == 10_000
    assert len(table.classes) == 10
    assert table.frame["split"].value_counts().to_dict() == {
        "train": 6811,
        "test": 2000,
        "validation": 1189,
    }
    assert np.isfinite(properties[list(NUMERIC)].to_numpy()).all()
    findings = find_problems(table, properties)
    serious = {each.check: each.value for each in findings if each.severity != "info"}
    # CIFAR-10 holds some photographs twice: Barz & Denzler 2020, "Do we train on test data?".
    assert list(serious) == ["near_duplicates_across_splits"]
    assert all(gate.passed for gate in judge_findings(findings, ValidationConfig(suites=())))


@pytest.mark.soak
def test_the_config_reaches_the_accuracy_it_claims(cifar10: Path, tmp_path: Path) -> None:
    job = ["--config", "configs/cifar10.yaml", "--set", f"dataset.path={cifar10}"]
    ended = subprocess.run(
        [sys.executable, "-m", "vision", *job],
        cwd=repository(),
        env={**os.environ, "VISIONSTACK_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    [bundle] = (tmp_path / "home" / "bundles" / "cifar10").iterdir()
    metrics = json.loads((bundle / "manifest.json").read_text())["metrics"]
    assert metrics["accuracy"] >= 0.60
