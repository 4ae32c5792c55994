"""An orchestrator that keeps schedules has one for a job, however often it is registered."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from zenml.client import Client
from zenml.config.schedule import Schedule
from zenml.models import ScheduleRequest

from pipelines import schedule_zenml
from pipelines.schedule_zenml import register_schedule
from vision.config import JobConfig
from vision.errors import StackError


def make_job(every: str = "0 3 * * 1", name: str = "digits", days: float = 7.0) -> JobConfig:
    return JobConfig.model_validate(
        {
            "pipeline": "monitoring",
            "model": {"name": name, "input_size": [8, 8]},
            "monitoring": {"every": every, "days": days},
        }
    )


@dataclass
class FakeClient:
    """ZenML with an orchestrator that keeps schedules, and maybe moves them."""

    can_move: bool = True
    is_schedulable: bool = True
    environment: dict[str, str] = field(default_factory=lambda: {"VISIONSTACK_HOME": "/shared"})
    kept: list[SimpleNamespace] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    @property
    def active_stack(self) -> SimpleNamespace:
        config = SimpleNamespace(is_schedulable=self.is_schedulable)
        orchestrator = SimpleNamespace(
            name="cluster", config=config, supports_schedule_updates=self.can_move
        )
        return SimpleNamespace(name="production", orchestrator=orchestrator)

    def list_schedules(self, name: str, size: int, hydrate: bool) -> SimpleNamespace:
        prefix = name.removeprefix("startswith:")
        return SimpleNamespace(items=[s for s in self.kept if s.name.startswith(prefix)])

    def update_schedule(self, name: Any, cron_expression: str) -> None:
        [found] = [schedule for schedule in self.kept if schedule.id == name]
        found.cron_expression = cron_expression
        self.done.append("moved")

    def delete_schedule(self, name: Any) -> None:
        self.kept = [schedule for schedule in self.kept if schedule.id != name]
        self.done.append("deleted")

    def register(self, schedule: Schedule) -> None:
        times = schedule.cron_expression
        kept = SimpleNamespace(id=uuid4(), name=schedule.name, cron_expression=times)
        self.kept.append(kept)
        self.done.append("registered")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    fake = FakeClient()
    monkeypatch.setattr(schedule_zenml, "Client", lambda: fake)
    monkeypatch.setattr(schedule_zenml, "active_environment", lambda: fake.environment)
    return fake


@pytest.mark.unit
def test_a_second_time_changes_nothing(client: FakeClient) -> None:
    first = register_schedule(make_job(), client.register)
    [kept] = client.kept
    second = register_schedule(make_job(), client.register)

    assert kept.name.startswith("monitoring-digits-")
    assert first == f"schedule {kept.name} registered: 0 3 * * 1 (UTC) on stack production"
    assert second == (
        f"schedule {kept.name} is registered already: 0 3 * * 1 (UTC) on stack production"
    )
    assert client.kept == [kept]
    assert client.done == ["registered"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "does not set VISIONSTACK_HOME"),
        ({"VISIONSTACK_HOME": "state"}, "sets VISIONSTACK_HOME = 'state'"),
    ],
)
def test_runs_that_would_forget_everything_are_refused(
    client: FakeClient, environment: dict[str, str], said: str
) -> None:
    client.environment = environment

    with pytest.raises(StackError, match=f"stack production {said}, so what a scheduled run"):
        register_schedule(make_job(), client.register)
    assert client.kept == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("can_move", "done"),
    [(True, ["registered", "moved"]), (False, ["registered", "deleted", "registered"])],
)
def test_another_time_moves_it(client: FakeClient, can_move: bool, done: list[str]) -> None:
    client.can_move = can_move
    register_schedule(make_job(), client.register)

    said = register_schedule(make_job("0 4 * * *"), client.register)

    assert " moved from 0 3 * * 1: 0 4 * * * (UTC)" in said
    assert [kept.cron_expression for kept in client.kept] == ["0 4 * * *"]
    assert client.done == done


@pytest.mark.unit
def test_another_job_takes_its_place(client: FakeClient) -> None:
    register_schedule(make_job(), client.register)
    [before] = client.kept

    said = register_schedule(make_job(days=2.0), client.register)

    [after] = client.kept
    assert after.name != before.name
    assert said.endswith(f"on stack production, in place of {before.name}")


@pytest.mark.unit
def test_other_models_keep_their_schedules(client: FakeClient) -> None:
    for name in ("digits", "digits-2", "digits.old", "cars"):
        register_schedule(make_job(name=name), client.register)

    register_schedule(make_job(days=2.0), client.register)

    assert len(client.kept) == 4
    assert client.done.count("deleted") == 1


@pytest.mark.unit
def test_an_orchestrator_without_schedules_is_named_with_what_to_use(client: FakeClient) -> None:
    client.is_schedulable = False

    with pytest.raises(StackError, match=r"^the orchestrator cluster of stack production keeps no"):
        register_schedule(make_job(), client.register)
    assert client.done == []


@pytest.mark.integration
def test_the_local_stack_keeps_none() -> None:
    with pytest.raises(StackError, match=r"use run\.py monitor --forever, or the systemd units"):
        register_schedule(make_job(), lambda schedule: None)


@pytest.mark.integration
def test_schedules_of_a_real_store_are_found_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.validation import validation

    client = Client()
    orchestrator = client.active_stack.orchestrator
    monkeypatch.setattr(type(orchestrator.config), "is_schedulable", True)
    home = {"VISIONSTACK_HOME": "/shared"}
    monkeypatch.setattr(schedule_zenml, "active_environment", lambda: home)
    name = f"digits-{uuid4().hex[:6]}"

    def register(schedule: Schedule) -> None:
        request = ScheduleRequest(
            project=client.active_project.id,
            pipeline_id=validation.register().id,
            orchestrator_id=orchestrator.id,
            name=schedule.name,
            active=True,
            cron_expression=schedule.cron_expression,
        )
        client.zen_store.create_schedule(request)

    said = [
        register_schedule(make_job(every, name, days), register)
        for every, days in (("0 3 * * 1", 7.0), ("0 3 * * 1", 7.0), ("0 4 * * 1", 7.0))
    ]
    [moved] = client.list_schedules(name=f"startswith:monitoring-{name}").items
    register_schedule(make_job("0 4 * * 1", name, 2.0), register)
    [replaced] = client.list_schedules(name=f"startswith:monitoring-{name}").items

    assert [" registered:" in said[0], " registered already:" in said[1]] == [True, True]
    assert " moved from 0 3 * * 1:" in said[2]
    assert moved.cron_expression == replaced.cron_expression == "0 4 * * 1"
    assert moved.name != replaced.name
