"""A job written back reads as the same job and has the same digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.config.describe import config_digest, describe_job
from vision.config.job import JobConfig
from vision.config.load import load_job


def make_job(**sections: object) -> JobConfig:
    required = {
        "pipeline": "training",
        "model": {"name": "digits", "input_size": (32, 48)},
        "dataset": {"source": "digits"},
    }
    return JobConfig.model_validate(required | sections)


@pytest.mark.parametrize("text", ["1e3", "yes", "0012", "~", "", "a: b", "> 0", "ümlaut", "12:30"])
def test_text_survives_the_way_there_and_back(tmp_path: Path, text: str) -> None:
    job = make_job(tracking={"tags": {"tag": text}})
    path = tmp_path / "job.yaml"
    path.write_text(describe_job(job), encoding="utf-8")
    assert load_job(path) == job


def test_description_has_defaults_and_short_lists_on_one_line() -> None:
    lines = describe_job(make_job()).splitlines()
    assert lines[0] == "pipeline: training"
    assert "  input_size: [32, 48]" in lines
    assert "  batch_size: 64" in lines
    assert not any("null" in line for line in lines)


def test_digest_depends_on_values_only() -> None:
    digest = config_digest(make_job())
    assert len(digest) == 64
    assert config_digest(make_job(training={"epochs": 30})) == digest
    assert config_digest(make_job(training={"epochs": 31})) != digest
