"""The rows of deployments that programs beside the service write and read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.log import migrate
from serving.log.engine import make_engine, read_address
from serving.log.offline import open_log
from serving.log.recording import read_deployments, record_deployment
from serving.record import DeploymentRecord
from tests.serving.log.conftest import MOMENT

pytestmark = pytest.mark.integration


def make_deployment(deployment_id: str = "d0", **changes: Any) -> DeploymentRecord:
    values: dict[str, Any] = {
        "deployment_id": deployment_id,
        "generation": 3,
        "action": "promote",
        "model_name": "digits",
        "model_version": "v2",
        "outcome": "done",
        "detail": "",
        "time": MOMENT,
    }
    return DeploymentRecord(**{**values, **changes})


def test_what_is_written_is_read_newest_first(home: Path) -> None:
    records = [
        make_deployment("d0"),
        make_deployment("d1", action="rollback", time=MOMENT + timedelta(hours=2)),
        make_deployment("d2", model_name="owls", time=MOMENT + timedelta(hours=1), detail="ö\0"),
    ]
    for record in records:
        assert record_deployment(record) is None
    with open_log() as engine:
        assert read_deployments(engine, 10) == (records[1], records[2], records[0])
        assert read_deployments(engine, 1) == (records[1],)
        assert read_deployments(engine, 10, "owls") == (records[2],)


def test_the_same_id_is_stored_once(home: Path) -> None:
    record_deployment(make_deployment())
    record_deployment(make_deployment(outcome="refused"))
    with open_log() as engine:
        assert read_deployments(engine, 10) == (make_deployment(),)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://a/b", "the prediction log cannot be kept in 'mysql'"),
        ("postgresql://u:secret@127.0.0.1:1/b", "at postgresql://127.0.0.1:1/b takes nothing"),
        ("sqlite:////proc/nothing/a.sqlite", "at sqlite:////proc/nothing/a.sqlite takes nothing"),
    ],
)
def test_a_database_that_takes_nothing_costs_a_sentence(address: str, why: str) -> None:
    told = record_deployment(make_deployment(), address)
    assert told is not None
    assert told.startswith("promote of digits v2 is not recorded: the prediction log")
    assert why in told
    assert "secret" not in told


def test_a_database_of_another_release_is_left_as_it_is(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = make_engine(read_address(address))
    first = migrate.revisions()[0]
    migrate.upgrade(engine, first)
    told = record_deployment(make_deployment(), address)
    assert told is not None
    assert f"has the form '{first}', and this program writes" in told
    with engine.connect() as connection:
        assert migrate.current(connection) == first
