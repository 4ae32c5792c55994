"""A deployment whose admin key is not set is refused before anything is promoted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import check_deployment as module
from pipelines import launch
from pipelines.check_deployment import check_deployment
from vision.config import JobConfig
from vision.errors import ConfigError

pytestmark = pytest.mark.unit


def _job(pipeline: str = "deployment", **section: Any) -> JobConfig:
    return JobConfig.model_validate(
        {
            "pipeline": pipeline,
            "model": {"name": "digits", "input_size": [8, 8]},
            "dataset": {"source": "digits"},
            "deployment": {"admin_key_from": "NOT_SET", **section},
        }
    )


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The configuration of the orchestrator, which runs on this machine."""
    config = SimpleNamespace(is_local=True)
    stack = SimpleNamespace(orchestrator=SimpleNamespace(config=config))
    monkeypatch.setattr(module, "Client", lambda: SimpleNamespace(active_stack=stack))
    monkeypatch.delenv("NOT_SET", raising=False)
    return config


@pytest.mark.parametrize("pipeline", ["deployment", "full"])
def test_a_key_that_is_not_set_is_named(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError) as caught:
        check_deployment(_job(pipeline))
    assert caught.value.problems == (
        "deployment.admin_key_from: NOT_SET is not set; set it to the admin key of the services",
    )
    monkeypatch.setenv("NOT_SET", "key")
    check_deployment(_job(pipeline))


def test_what_needs_no_key_here_is_not_judged(here: SimpleNamespace) -> None:
    check_deployment(_job("training"))
    check_deployment(_job(target="none"))
    check_deployment(_job(admin_key_from=None))
    here.is_local = False
    check_deployment(_job())


def test_launch_asks_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prepare", "check_server", "check_active_stack", "mark_leftovers"):
        monkeypatch.setattr(launch, name, lambda *_: None)
    monkeypatch.setattr(launch, "_configured", lambda *_: pytest.fail("it was started"))
    with pytest.raises(ConfigError, match="NOT_SET is not set"):
        launch.launch(_job())
