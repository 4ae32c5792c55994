"""A change to tell, quick tries, and no proxy between the tests and their servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alert_servers import write_certificate
from vision.monitoring.alerts import delivery
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.state import StateChange

CHANGE = StateChange(
    model="digits",
    version="20261121-190000-0a1b2c3d",
    before="ok",
    now="drift",
    moved=("uae", "properties"),
    next_move="look at the images in the report; if they are wanted, label them & retrain.",
    link="https://zenml.example.org/runs/7?a=1&b=2",
    time=datetime(2026, 11, 21, 19, 30, tzinfo=UTC),
)


@pytest.fixture
def message() -> Message:
    return write_message(CHANGE)


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries that would have been made; none is."""
    made: list[float] = []
    monkeypatch.setattr(delivery.time, "sleep", made.append)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    return made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("certificate"))
