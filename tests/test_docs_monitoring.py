"""docs/monitoring.md shows what is so: steps, keys, verdicts, exit codes."""

from __future__ import annotations

import re

import pytest
import yaml

import run
from vision.config import JobConfig
from vision.config.load import load_job
from vision.home import repository
from vision.monitoring.report import VERDICTS

pytestmark = pytest.mark.unit

PAGE = (repository() / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_its_example_has_the_defaults() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    job = JobConfig.model_validate(yaml.safe_load(text))
    shown = job.monitoring.model_copy(update={"on_drift": "nothing"})
    assert shown == type(shown)()
    assert job.dataset is None


def test_its_steps_exist_and_its_verdicts_are_all() -> None:
    for name in re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE):
        assert name in VERDICTS or (repository() / "steps" / f"{name}.py").is_file(), name
    for verdict in VERDICTS:
        assert f"| `{verdict}` |" in PAGE
    assert re.search(rf"\| `drift` \|.*\| {run.DRIFT} \|", PAGE)


def test_the_configuration_is_the_one_that_it_names() -> None:
    assert "run.py --config configs/monitor.yaml" in PAGE
    job = load_job(repository() / "configs" / "monitor.yaml")
    assert (job.pipeline, job.monitoring.on_drift) == ("monitoring", "review")
