"""That what a stack component's ``environment`` says is there when a step runs, and not after."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zenml import pipeline, step
from zenml.client import Client

from stacks import registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SWITCHES = ("TF_FORCE_GPU_ALLOW_GROWTH", "VISIONSTACK_REQUIRE_GPU", "VISIONSTACK_XLA")


@step(enable_cache=False, experiment_tracker="local")
def tell(names: list[str]) -> dict[str, str]:
    import mlflow

    mlflow.log_text("kept", "note.txt")
    told = {name: os.environ.get(name, "") for name in names}
    return {**told, "artifacts": mlflow.get_artifact_uri()}


@pipeline(enable_cache=False)
def telling() -> None:
    tell(list(SWITCHES))


@pytest.mark.parametrize(("stack", "expected"), [("local", ""), ("local-gpu", "set")])
def test_the_environment_reaches_the_steps(
    register: Client, home: Path, stack: str, expected: str
) -> None:
    registry.apply()
    register.activate_stack(stack)

    run = telling()

    told = run.steps["tell"].output.load()
    assert all(bool(told[name]) == bool(expected) for name in SWITCHES)
    assert not any(name in os.environ for name in SWITCHES)
    assert told["artifacts"].startswith(f"{home}/mlflow/")
    assert (home / "mlflow.db").is_file()
    assert [path.read_text() for path in (home / "mlflow").rglob("note.txt")] == ["kept"]
