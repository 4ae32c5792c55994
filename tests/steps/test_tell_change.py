"""The step tells a report's changes, through the stack's alerter as well, and never fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from materializers.told_changes import ToldChanges
from steps import stack_alerter, tell_change
from steps.stack_alerter import post_to_alerter
from tests.steps.active_stack import pretend_stack
from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.config import MonitoringConfig
from vision.monitoring.alerts import Delivery, write_message
from vision.monitoring.report import MonitoringReport

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)


@dataclass
class FakeAlerter:
    """An alerter that takes messages, refuses them, or breaks."""

    answer: Any = True
    name: str = "team"
    posted: list[str] = field(default_factory=list)

    def post(self, message: str) -> Any:
        self.posted.append(message)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def alerter(monkeypatch: pytest.MonkeyPatch) -> FakeAlerter:
    fake = FakeAlerter()
    pretend_stack(monkeypatch, stack_alerter, alerter=fake)
    return fake


def _run(
    monkeypatch: pytest.MonkeyPatch,
    *,
    verdict: str = "drift",
    url: str | None = None,
    alerts: tuple[Any, ...] = ({"kind": "log"},),
    replaced: str | None = None,
) -> ToldChanges:
    report = MonitoringReport.model_validate(
        {
            "name": "digits", "created_at": TIME, "since": TIME, "until": TIME,
            "versions": [{"name": "digits", "version": "v1", "verdict": verdict,
                          "moved": ("uae",), "next_move": "look."}]
            + [{"name": "digits", "version": "v0", "verdict": replaced, "served_until": TIME}]
            * (replaced is not None),
        }
    )  # fmt: skip
    context = SimpleNamespace(pipeline_run=None)
    monkeypatch.setattr(tell_change, "get_step_context", lambda: context)
    monkeypatch.setattr(tell_change, "get_run_url", lambda run: url)
    section = MonitoringConfig.model_validate({"alerts": alerts})
    told = tell_change.tell_change.entrypoint(report, section, page="reports/monitoring.html")
    assert isinstance(told, ToldChanges)
    return told


@pytest.mark.parametrize(
    ("url", "link"),
    [("https://zenml.example/7", "https://zenml.example/7"), (None, "reports/monitoring.html")],
)
def test_a_change_goes_to_the_alerts_and_to_the_alerter(
    alerter: FakeAlerter, monkeypatch: pytest.MonkeyPatch, url: str | None, link: str
) -> None:
    told = _run(monkeypatch, url=url)

    [change] = told.changes
    assert (told.model, change.version, change.before, change.now) == (
        "digits",
        "v1",
        None,
        "drift",
    )
    assert (change.moved, change.next_move, change.link) == (("uae",), "look.", link)
    assert [delivery.sentence for delivery in change.deliveries] == [
        "log: written", "alerter team of the stack: delivered",
    ]  # fmt: skip
    [posted] = alerter.posted
    assert posted.startswith("digits v1: drift\nModel digits, version v1: drift.\n")
    assert posted.endswith(link)


def test_the_same_verdict_is_told_once(
    alerter: FakeAlerter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [len(_run(monkeypatch).changes) for _ in range(3)] == [1, 0, 0]
    assert len(alerter.posted) == 1


@pytest.mark.parametrize("replaced", ["drift", "error"])
def test_what_becomes_of_a_version_that_was_replaced_is_no_news(
    alerter: FakeAlerter, monkeypatch: pytest.MonkeyPatch, replaced: str
) -> None:
    assert _run(monkeypatch, verdict="ok", replaced=replaced).changes == ()
    assert alerter.posted == []


@pytest.mark.fault
@pytest.mark.parametrize("answer", [False, RuntimeError("xoxb-s3cr3t")])
def test_an_alerter_that_fails_is_a_sentence_and_the_change_comes_again(
    alerter: FakeAlerter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Any,
) -> None:
    alerter.answer = answer

    for _ in range(2):
        [change] = _run(monkeypatch).changes
        assert not change.deliveries[1].is_delivered
    shown = "".join(capsys.readouterr())
    assert "alerter team of the stack: not delivered: it " in shown
    assert "s3cr3t" not in shown
    assert len(alerter.posted) == 2


def test_a_stack_without_an_alerter_is_no_failure(
    alerter: FakeAlerter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stack_alerter,
        "Client",
        lambda: SimpleNamespace(active_stack=SimpleNamespace(alerter=None)),
    )

    [change] = _run(monkeypatch).changes

    assert [delivery.kind for delivery in change.deliveries] == ["log"]


def test_failed_alerts_are_said_aloud(
    alerter: FakeAlerter,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()

    _run(monkeypatch, alerts=({"kind": "file", "path": tmp_path / "file" / "x"},))

    assert "cannot be written (not a folder)" in capsys.readouterr().err


def test_it_is_never_taken_from_the_cache() -> None:
    assert tell_change.tell_change.configuration.enable_cache is False


@pytest.mark.integration
def test_a_real_alerter_component_is_used(
    monkeypatch: pytest.MonkeyPatch, local_alerter: list[str]
) -> None:
    delivery = post_to_alerter(write_message(CHANGE))

    assert delivery == Delivery(
        "alerter", "alerter note of the stack", True, "alerter note of the stack: delivered"
    )
    assert local_alerter[0].startswith("digits 20261121-190000-0a1b2c3d: drift\n")


@pytest.fixture
def local_alerter(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of an alerter made of ZenML's own class, in the stack of this process."""
    from uuid import uuid4

    from zenml.alerter.base_alerter import BaseAlerter, BaseAlerterConfig
    from zenml.client import Client
    from zenml.enums import StackComponentType

    posted: list[str] = []

    class NoteAlerter(BaseAlerter):
        def post(self, message: str, params: Any = None) -> bool:
            posted.append(message)
            return True

    alerter = NoteAlerter(
        name="note", id=uuid4(), config=BaseAlerterConfig(), flavor="note",
        type=StackComponentType.ALERTER, user=None, created=TIME, updated=TIME,
    )  # fmt: skip
    stack = Client().active_stack
    monkeypatch.setattr(type(stack), "alerter", alerter)
    return posted
