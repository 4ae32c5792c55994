"""Which noted processes are gone; what becomes of their runs is tested with real ones."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from zenml.enums import ExecutionStatus

from pipelines import leftovers
from pipelines.leftovers import _is_leftover, forget_removed, this_process

pytestmark = pytest.mark.unit

HERE = socket.gethostname()
NOBODY = 999999999


@pytest.mark.parametrize(
    ("noted", "is_left"),
    [
        (this_process(), False),
        ({}, False),
        ({"process": {"host": HERE, "name": f"{NOBODY} 1 a-boot"}}, True),
        ({"process": {"host": HERE, "name": f"{os.getpid()} 1 a-boot"}}, True),
        ({"process": {"host": "elsewhere", "name": f"{NOBODY} 1 a-boot"}}, False),
        ({"process": {"host": HERE, "pid": os.getpid(), "started": 1.5}}, False),
        ({"process": {"host": HERE, "pid": NOBODY, "started": 1.5}}, True),
    ],
)
def test_a_run_is_left_over_where_its_process_is_gone(noted: dict[str, Any], is_left: bool) -> None:
    run: Any = SimpleNamespace(config=SimpleNamespace(extra=noted))
    assert _is_leftover(run) == is_left


def _step(name: str, status: ExecutionStatus, *results: str) -> SimpleNamespace:
    outputs = {uri: [SimpleNamespace(uri=uri)] for uri in results}
    return SimpleNamespace(id=name, status=status, outputs=outputs)


@pytest.fixture
def run() -> Any:
    steps = {
        "whole": _step("whole", ExecutionStatus.COMPLETED, "kept", "also kept"),
        "silent": _step("silent", ExecutionStatus.COMPLETED),
        "struck": _step("struck", ExecutionStatus.COMPLETED, "kept", "gone"),
        "cached": _step("cached", ExecutionStatus.CACHED, "gone"),
        "failed": _step("failed", ExecutionStatus.FAILED, "gone"),
    }
    return SimpleNamespace(name="training-1", steps=steps)


def _use_store(monkeypatch: pytest.MonkeyPatch, exists: Any) -> list[str]:
    """Lets an artifact store answer; returns the steps that are taken out of the cache."""
    expired: list[str] = []
    client = SimpleNamespace(
        active_stack=SimpleNamespace(artifact_store=SimpleNamespace(exists=exists)),
        update_step_run=lambda step, cache_expires_at: expired.append(step),
    )
    monkeypatch.setattr(leftovers, "Client", lambda: client)
    return expired


def test_completed_steps_without_their_results_leave_the_cache(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired = _use_store(monkeypatch, lambda uri: uri != "gone")
    forget_removed(run)
    assert expired == ["struck"]


def test_a_store_that_does_not_answer_is_told(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(uri: str) -> bool:
        raise ConnectionError("no answer")

    assert _use_store(monkeypatch, fail) == []
    forget_removed(run)
    assert capsys.readouterr().err == (
        "it is not known whether all results of training-1 are stored (no answer); should the next "
        "run miss a file, run it once with --no-cache\n"
    )
