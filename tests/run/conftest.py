"""The command line without what it starts: stand-ins for the launch of a job."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import pipelines
from vision.config.job import JobConfig
from vision.home import repository

Told = Callable[[], list[tuple[str, str]]]

# How a state is noted of what the job below looks at.
MONITOR_JOB = "all versions, 7 days"
CONFIG = str(repository() / "configs" / "train.yaml")


@dataclass
class FakeReport:
    """A job that ended in some way."""

    status: str = "completed"

    def to_json(self) -> dict[str, Any]:
        return {"pipeline": "training", "status": self.status}

    def summary(self) -> str:
        return f"it {self.status}"


@dataclass
class FakeLaunch:
    """Stands for ``pipelines.launch``: notes what it is called with, ends as it is told."""

    ends: FakeReport | BaseException = field(default_factory=FakeReport)
    calls: list[tuple[str, JobConfig, str | None, bool | None]] = field(default_factory=list)

    def launch(self, job: JobConfig, *, stack: str | None, use_cache: bool) -> FakeReport:
        self.calls.append(("launch", job, stack, use_cache))
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends

    def plan(self, job: JobConfig, stack: str | None) -> str:
        self.calls.append(("plan", job, stack, None))
        return "load_dataset, train_model"


@pytest.fixture(autouse=True)
def keeps_its_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> FakeLaunch:
    fake = FakeLaunch()
    monkeypatch.setattr(pipelines, "launch", fake, raising=False)
    return fake


@pytest.fixture
def monitor_job(tmp_path: Path) -> str:
    """The file of a job that monitors on Monday nights, and tells people by a file."""
    path = tmp_path / "monitor.yaml"
    path.write_text(
        "pipeline: monitoring\n"
        "model: {name: digits, input_size: [8, 8]}\n"
        "monitoring:\n"
        '  every: "0 3 * * 1"\n'
        f"  alerts: [{{kind: file, path: {tmp_path}/alerts.jsonl}}]\n"
    )
    return str(path)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """What people were told about, and as what."""

    def read() -> list[tuple[str, str]]:
        path = tmp_path / "alerts.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(value["version"], value["now"]) for value in map(json.loads, lines)]

    return read
