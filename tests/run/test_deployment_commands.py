"""``run.py approve | rollback | deployments``: what is said, and the exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import run
from serving.log.recording import record_deployment
from steps.promotion import places as places_module
from steps.promotion import services
from steps.promotion.approvals import ask_approval
from steps.promotion.promote import promote
from tests.run.loading import loaded_by
from tests.servers import free_port
from tests.serving.log.test_recording import make_deployment
from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.steps.promotion.fake_places import MODEL, make_places
from tests.vision.comparison.test_decision import make_comparison
from vision.bundles.champion import read_champion

pytestmark = pytest.mark.integration


@pytest.fixture
def promoted(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """v2 is the champion, v1 was before; nothing slow is asked."""
    make_champion("v1", MODEL)
    store_version("v2", MODEL)
    found = make_places(tmp_path / "places")
    monkeypatch.setattr(places_module, "all_places", lambda: found)
    promote(MODEL, "v2", found)


def champion() -> str:
    found = read_champion(MODEL)
    assert found is not None
    return found.version


def rollback(*options: str) -> int:
    return run.main(["rollback", *options])


@pytest.mark.usefixtures("promoted")
def test_rollback_says_how_long_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Sequence[Any]] = []
    monkeypatch.setenv("MINE", "key")
    monkeypatch.setattr(
        services.HttpService,
        "serve",
        lambda self, name, version: told.append((self.address, self.key, name, version)),
    )
    assert (
        rollback("--service", "http://a/", "--service", "http://b", "--admin-key-from", "MINE") == 0
    )
    assert sorted(told) == [("http://a", "key", MODEL, "v1"), ("http://b", "key", MODEL, "v1")]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "champion of shapes: v1 (before: v2)"
    assert all(line.split(" serves it after ")[1].endswith(" s") for line in lines[:2])


@pytest.mark.usefixtures("promoted")
def test_rollback_without_a_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr("pipelines.deployment_commands._LOCAL", address)
    assert rollback() == 0, "nobody named a service"
    found = capsys.readouterr()
    assert f"no service answers at {address}" in found.err
    assert found.out == "champion of shapes: v1 (before: v2)\n"
    assert rollback("v2", "--service", address) == 1
    assert champion() == "v2"
    assert rollback("v2") == 0
    said = capsys.readouterr().out.splitlines()[-2:]
    assert said[0] == "champion of shapes: v2 (before: v1)"
    over = r"the rollback of [-\d]{10} [:\d]{5} UTC is over now; `run.py rollback` goes further .*"
    assert re.fullmatch(over, said[1])
    assert rollback("v2") == 0
    assert capsys.readouterr().out.endswith("champion of shapes: v2, as it was already\n")


@pytest.mark.usefixtures("promoted")
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["v9"], 1, "error: model 'shapes:v9' is not in the BentoML model store"),
        (["--model", "nobody"], 1, "error: the model 'nobody' has no champion, so there is"),
        (["--admin-key-from", "NOBODYS"], 2, "NOBODYS is not set"),
    ],
)
def test_rollback_refuses(
    options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rollback(*options) == code
    assert said in capsys.readouterr().err
    assert champion() == "v2"


@pytest.mark.usefixtures("promoted")
def test_rollback_asks_which_of_two_models(capsys: pytest.CaptureFixture[str]) -> None:
    make_champion("v1", "owls")
    assert rollback() == 2
    assert "name one of the models with --model: owls, shapes" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_nothing_to_roll_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert rollback() == 1
    assert "no model has a champion, so there is nothing to roll back" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_approve(capsys: pytest.CaptureFixture[str]) -> None:
    ask_approval(make_comparison("inconclusive"))
    assert run.main(["approve", "v2", "--by", "ada"]) == 0
    assert capsys.readouterr().out == (
        "approved: digits v2, by ada\n"
        "  metric: 0.95 against 0.90\n"
        "  latency: 1.5 ms against 1.0 ms\n"
        "now run the deployment again; it goes on from here\n"
    )
    assert run.main(["approve", "v2", "--reject"]) == 0
    assert capsys.readouterr().out.startswith("rejected: digits v2, by ")
    assert run.main(["approve", "v9"]) == 1
    assert "nobody asks about version 'v9'" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_deployments_lists_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["deployments"]) == 0
    assert capsys.readouterr().out == "no deployments yet\n"
    record_deployment(make_deployment("d0"))
    record_deployment(make_deployment("d1", action="rollback", outcome="refused", detail="a\nb"))
    assert run.main(["deployments"]) == 0
    assert capsys.readouterr().out == (
        "time                 model   version  action    outcome  detail\n"
        "2026-01-31 12:00:00  digits  v2       rollback  refused  a b\n"
        "2026-01-31 12:00:00  digits  v2       promote   done\n"
    )
    assert run.main(["deployments", "--json", "--last", "1"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert (row["action"], row["time"]) == ("rollback", "2026-01-31T12:00:00.123456+00:00")
    assert run.main(["deployments", "--model", "owls"]) == 0
    assert capsys.readouterr().out == "no deployments yet\n"


def test_a_database_that_is_not_there_is_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["deployments", "--database", f"sqlite:///{tmp_path}/none.sqlite"]) == 1
    assert "there is no prediction log at" in capsys.readouterr().err


def test_help_is_light() -> None:
    code = "import run\nrun.main(['rollback', '--help'])"
    assert loaded_by(code, {"zenml", "bentoml", "sqlalchemy", "httpx", "pydantic"}) == "[]"
