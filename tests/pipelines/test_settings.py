"""Settings that ZenML would refuse are told by their keys before anything runs."""

from __future__ import annotations

import pytest

from pipelines.launch import launch, plan
from pipelines.settings import check_settings
from tests.pipelines.conftest import MakeJob
from vision.errors import ConfigError

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"foo": 1}, "zenml.settings.foo = 1: no such key of ZenML; known: docker, resources, "),
        ({"orchestratr": {}}, "did you mean 'orchestrator'?"),
        ({"nope.mlflow": {"a": 1}}, 'zenml.settings.nope.mlflow = {"a": 1}: no such key of ZenML'),
        ({"docker": "abc"}, 'zenml.settings.docker = "abc": must be a mapping of settings'),
        (
            {"resources": {"cpu_count": "x"}},
            'zenml.settings.resources.cpu_count = "x": Input should be a valid number',
        ),
        ({"deployer": {"a": 1}}, 'zenml.settings.deployer = {"a": 1}: the stack has no deployer'),
    ],
)
def test_a_setting_that_zenml_refuses_is_named(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_settings(settings)
    [said] = refused.value.problems
    assert problem in said


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        check_settings({"foo": 1, "resources": {"cpu_count": "x", "gpu_count": -1}})
    assert len(refused.value.problems) == 3


def test_settings_of_other_stacks_are_left_alone() -> None:
    check_settings(
        {"orchestrator.kubernetes": {"synchronous": True}, "docker": {"dockerfile": "x"}}
    )


def test_neither_a_run_nor_a_plan_gets_past_them(make_job: MakeJob) -> None:
    job = make_job(zenml={"settings": {"docker": "abc"}})
    for start in (launch, plan):
        with pytest.raises(ConfigError, match=r"zenml\.settings\.docker"):
            start(job)
