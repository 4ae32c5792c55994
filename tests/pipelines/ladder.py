"""Jobs on small images whose learning rate decides how good the model gets, run as a user would.

The learning rates and what they come to on the test split of 90 images: ``WORSE`` a third, which is
chance; ``FIRST`` two thirds; ``BETTER`` all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.launch import WAIT_VARIABLE
from tests.pipelines.conftest import DRIFT
from tests.synthetic import write_images
from vision.home import repository

WORSE, FIRST, BETTER = 1e-5, 2e-4, 1e-3
N_PER_CLASS = 30
_ENDS_WITHIN_S = 300


@dataclass(frozen=True)
class Ended:
    """A program that has ended.

    Attributes:
      code: its exit status.
      said: what it printed.
      report: what it wrote with ``--report``; empty without.
    """

    code: int
    said: str
    report: dict[str, Any]

    @property
    def version(self) -> str:
        """The model version that was made or deployed."""
        return str(self.report["model"]["version"])


@dataclass(frozen=True)
class Ladder:
    """Configurations of one model.

    Attributes:
      folder: holds them, and their images.
      name: of the model.
    """

    folder: Path
    name: str

    def run(self, pipeline: str, *words: str, program: Sequence[str] = ("run.py",)) -> Ended:
        """Runs ``run.py --config``, or another program with the same options."""
        report = self.folder / "report.json"
        options = ["--config", str(self.folder / f"{pipeline}.yaml"), "--report", str(report)]
        ended = run_program([*program, *options, *words])
        found = json.loads(report.read_text()) if report.exists() else {}
        return Ended(ended.code, ended.said, found)


def make_ladder(folder: Path, name: str, service: str) -> Ladder:
    """Writes images and the configurations ``full.yaml`` and ``deployment.yaml``.

    Args:
      folder: an empty one.
      name: of the model.
      service: address to roll out to.
    """
    images = write_images(folder / "images", N_PER_CLASS, ("train", "validation", "test"))
    job: dict[str, Any] = {
        "model": {"name": name, "input_size": [16, 16]},
        "dataset": {"source": "folder", "path": str(images)},
        "validation": {"suites": [], "fail_on": {"corrupt_images": "> 0"}},
        "training": {"epochs": 1, "batch_size": 16, "learning_rate": FIRST},
        "evaluation": {"gate": {"accuracy": 0.0}},
        "bundle": {"n_reference": 20, "n_golden": 3},
        "drift": DRIFT,
        "deployment": {
            # Small graphs are measured in fractions of a millisecond, on a machine that is busy.
            "compare": {"max_latency_ratio": 50.0},
            "image": {"builder": "none"},
            "services": [service],
            "watch_s": 1.0,
            "max_slowdown": 100.0,
        },
        "tracking": {"experiment": name},
    }
    for pipeline in ("full", "deployment"):
        text = yaml.safe_dump({"pipeline": pipeline, **job})
        (folder / f"{pipeline}.yaml").write_text(text, encoding="utf-8")
    return Ladder(folder, name)


def run_program(words: Sequence[str]) -> Ended:
    """Runs a Python program of the repository in this session's stores; any exit code is taken."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=repository(),
        env=os.environ | {WAIT_VARIABLE: str(_ENDS_WITHIN_S)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_ENDS_WITHIN_S,
        check=False,
    )
    return Ended(done.returncode, done.stdout, {})
