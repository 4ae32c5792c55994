"""Alerts whose secrets are not set are refused where the run would need them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipelines import check_alerts as module
from pipelines.check_alerts import check_alerts
from vision.config import JobConfig
from vision.errors import ConfigError

pytestmark = pytest.mark.unit


def _job(pipeline: str = "monitoring") -> JobConfig:
    return JobConfig.model_validate(
        {
            "pipeline": pipeline,
            "model": {"name": "digits", "input_size": [8, 8]},
            "dataset": {"source": "digits"},
            "monitoring": {"alerts": [{"kind": "webhook", "url_from": "CHAT_URL"}]},
        }
    )


def _runs(monkeypatch: pytest.MonkeyPatch, *, here: bool) -> None:
    orchestrator = SimpleNamespace(config=SimpleNamespace(is_local=here))
    client = SimpleNamespace(active_stack=SimpleNamespace(orchestrator=orchestrator))
    monkeypatch.setattr(module, "Client", lambda: client)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _runs(monkeypatch, here=True)
    monkeypatch.delenv("CHAT_URL", raising=False)

    with pytest.raises(ConfigError, match=r"alerts\[0\]\.url_from = 'CHAT_URL': .* is not set"):
        check_alerts(_job())
    monkeypatch.setenv("CHAT_URL", "https://chat.example.org/x")
    check_alerts(_job())


def test_other_pipelines_and_other_machines_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_URL", raising=False)
    _runs(monkeypatch, here=True)
    check_alerts(_job("validation"))
    _runs(monkeypatch, here=False)
    check_alerts(_job())


def test_the_local_orchestrator_runs_here() -> None:
    from zenml.orchestrators.local.local_orchestrator import LocalOrchestratorConfig

    assert LocalOrchestratorConfig().is_local
