"""What the steps of a deployment are given by the pipeline, without running it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from zenml.client import Client
from zenml.constants import ENV_ZENML_ACTIVE_STACK_ID
from zenml.pipelines.pipeline_definition import Pipeline

from pipelines.deployment import deployment
from pipelines.full import full
from pipelines.inputs import digest_names
from tests.pipelines.conftest import STACK, MakeJob
from vision.config import JobConfig

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def on_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests of the session may have made another stack the active one."""
    monkeypatch.delenv(ENV_ZENML_ACTIVE_STACK_ID, raising=False)
    before = Client().active_stack_model.id
    Client().activate_stack(STACK)
    yield
    Client().activate_stack(before)


def prepared(pipeline: Pipeline, job: JobConfig) -> dict[str, Any]:
    """The invocations of a pipeline's steps, by name."""
    pipeline.prepare(job=job, **dict.fromkeys(digest_names(job), "unknown"))
    return dict(pipeline.invocations)


def given(invocation: Any) -> dict[str, str]:
    """Returns which steps an invocation takes its artifacts from, by argument."""
    return {name: each.invocation_id for name, each in invocation.input_artifacts.items()}


@pytest.mark.parametrize(
    ("pipeline", "name", "bundle"),
    [(deployment, "deployment", "load_bundle"), (full, "full", "build_bundle")],
)
def test_the_promotion_knows_the_comparison_and_the_gate_the_named_version(
    make_job: MakeJob, pipeline: Pipeline, name: str, bundle: str
) -> None:
    steps = prepared(pipeline, make_job(pipeline=name, deployment={"version": "v2"}))
    assert given(steps["promote_model"]) == {"bundle": bundle, "comparison": "compare_models"}
    gate = steps["gate_deployment"]
    assert given(gate) == {"comparison": "compare_models"}
    assert gate.parameters == {"approval": "auto", "named": "v2"}
    assert "champion" not in steps["compare_models"].parameters


def test_in_full_the_registering_is_never_taken_from_the_cache(make_job: MakeJob) -> None:
    steps = prepared(full, make_job(pipeline="full"))
    assert steps["register_model"].step.configuration.enable_cache is False
