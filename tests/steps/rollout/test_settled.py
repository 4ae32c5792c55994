"""A champion that was rolled out once stays the champion when rolling it out again goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from serving.record import DeploymentRecord
from steps import roll_out as module
from steps.promotion.history import find_taken_back
from steps.promotion.promote import promote
from steps.rollout.last import LastRollOut, read_last
from steps.rollout.watch import Watched
from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.steps.promotion.fake_places import MODEL, make_places
from tests.steps.rollout.pretend import PretendService, Version
from vision.bundles.champion import read_champion
from vision.bundles.rolled_out import RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import VisionError

pytestmark = pytest.mark.integration

ADDRESSES = ("http://a", "http://b")
CONFIG = DeploymentConfig(services=ADDRESSES, watch_s=0.1, ready_s=0.5)
V1, V2 = Version(MODEL, "v1"), Version(MODEL, "v2")
Deploy = Callable[[], RollOut]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> list[PretendService]:
    """Two replicas that serve v1, as an activation left them."""
    found = [PretendService(address, now=[V1]) for address in ADDRESSES]
    monkeypatch.setattr("steps.rollout.deploy.find_services", lambda *_: found)
    monkeypatch.setattr("steps.rollout.service_client._ASK_AGAIN_S", 0.001)
    return found


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[DeploymentRecord]:
    found: list[DeploymentRecord] = []
    monkeypatch.setattr(module, "record_deployment", found.append)
    return found


@pytest.fixture
def deploy(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    services: list[PretendService],
    rows: list[DeploymentRecord],
) -> Deploy:
    """What a deployment of v2 does at its end; v1 is the champion before."""
    make_champion("v1", MODEL)
    store_version("v2", MODEL)
    places = make_places(tmp_path / "places")
    monkeypatch.setattr(module, "all_places", lambda: places)
    by_address = {each.address: each for each in services}

    def serve(self: object, name: str, version: str) -> None:
        by_address[self.address].now[0] = Version(name, version)  # type: ignore[attr-defined]

    monkeypatch.setattr("steps.promotion.services.HttpService.serve", serve)

    def run() -> RollOut:
        found = module.roll_out.entrypoint(promote(MODEL, "v2", places), CONFIG)
        assert isinstance(found, RollOut)
        return found

    return run


def champion() -> str:
    found = read_champion(MODEL)
    assert found is not None
    return found.version


def test_what_was_rolled_out_is_noted(deploy: Deploy) -> None:
    assert read_last(MODEL) is None
    found = deploy()
    assert read_last(MODEL) == LastRollOut(
        model=MODEL, version="v2", number=1, target="local", services=ADDRESSES, at=found.ended_at
    )


def test_a_replica_that_restarts_does_not_remove_the_champion(
    deploy: Deploy, services: list[PretendService], rows: list[DeploymentRecord]
) -> None:
    assert deploy().outcome == "done"
    services[1].away[0] = True
    services[0].calls.clear()
    found = deploy()
    assert champion() == "v2"
    assert (found.outcome, found.reason) == (
        "rolled_back",
        "http://b cannot be reached (planted); no service was told to change; "
        "v2 stays the champion",
    )
    assert services[0].calls == []
    assert services[0].now == [V2]
    assert [(row.outcome, row.detail) for row in rows][1] == ("rolled_back", found.reason)


def test_a_settled_champion_that_is_slow_now_stays_where_it_was(
    deploy: Deploy, services: list[PretendService]
) -> None:
    deploy()
    services[0].errors["v2"] = 1.0
    services[1].now[0] = V1  # somebody activated it there by hand
    found = deploy()
    assert champion() == "v2"
    assert found.outcome == "rolled_back"
    assert found.reason.endswith("requests failed (100.0%, at most 1.0%); v2 stays the champion")
    assert [each.now for each in services] == [[V2], [V1]]


def test_a_promotion_whose_roll_out_was_killed_is_still_taken_back(
    deploy: Deploy, services: list[PretendService], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> RollOut:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(module, "deploy", die)
        with pytest.raises(SystemExit):
            deploy()
    assert champion() == "v2"
    services[1].away[0] = True
    found = deploy()
    assert champion() == "v1"
    assert found.reason == "http://b cannot be reached (planted); v1 is the champion again"
    assert services[0].now == [V1]


def test_another_promotion_of_the_same_version_is_not_settled(
    deploy: Deploy, services: list[PretendService], tmp_path: Path
) -> None:
    deploy()
    promote(MODEL, "v1", make_places(tmp_path / "places"))
    services[1].away[0] = True
    assert deploy().reason.endswith("; v1 is the champion again")
    assert champion() == "v1"


def test_a_damaged_note_is_said_and_replaced(
    deploy: Deploy, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy()
    path = home / "deployments" / "roll-outs" / f"{MODEL}.json"
    path.write_text("{")
    with pytest.raises(VisionError, match=r"the last roll-out of shapes, .* is damaged; delete"):
        read_last(MODEL)
    assert deploy().outcome == "done"
    assert "is damaged" in capsys.readouterr().err
    last = read_last(MODEL)
    assert last is not None
    assert last.version == "v2"


@pytest.fixture
def overtaken(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, services: list[PretendService]
) -> Callable[[str], None]:
    """Lets another version become champion while a roll-out is watched."""
    store_version("v3", MODEL)

    def watch(*_: object) -> Watched:
        promote(MODEL, "v3", make_places(tmp_path / "places"))
        for each in services:
            each.now[0] = Version(MODEL, "v3")
        return Watched({}, problem)

    problem = ""

    def overtake(found: str) -> None:
        nonlocal problem
        problem = found
        monkeypatch.setattr("steps.rollout.roll_out.watch", watch)

    return overtake


@pytest.mark.parametrize("settled", [False, True])
def test_who_became_champion_while_it_was_watched_stays(
    settled: bool,
    deploy: Deploy,
    services: list[PretendService],
    overtaken: Callable[[str], None],
) -> None:
    if settled:
        deploy()
    overtaken("it does badly (planted)")
    found = deploy()
    stays = "v3 has become the champion of shapes since, and stays"
    assert (found.outcome, found.reason) == ("failed", f"it does badly (planted); {stays}")
    assert (champion(), find_taken_back(MODEL, "v3")) == ("v3", None)
    assert [each.now for each in services] == [[Version(MODEL, "v3")]] * 2


def test_a_roll_out_that_was_overtaken_is_not_the_last(
    deploy: Deploy, overtaken: Callable[[str], None]
) -> None:
    overtaken("")
    assert deploy().outcome == "done"
    assert (champion(), read_last(MODEL)) == ("v3", None)
