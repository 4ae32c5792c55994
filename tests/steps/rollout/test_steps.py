"""The steps around roll-outs: what is taken back with them, and what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from serving.record import DeploymentRecord
from steps import roll_out, try_candidate
from steps.promotion.rollback import RolledBack, Served
from steps.rollout.service_client import RollOutError
from tests.steps.rollout.pretend import PretendService
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import Outcome, RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import BundleError, GateStopped, VisionError
from vision.packages import ImageResult

pytestmark = pytest.mark.unit

AT = datetime(2026, 1, 2, tzinfo=UTC)
PROMOTED = Promoted(model="digits", version="v2", former="v1", number=5, at=AT)


def _found(outcome: Outcome, mode: str = "all") -> RollOut:
    return RollOut.model_validate(
        {
            "target": "local", "model": "digits", "version": "v2", "mode": mode, "share": 0.5,
            "outcome": outcome, "reason": "too slow", "began_at": AT, "ended_at": AT,
        }
    )  # fmt: skip


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[DeploymentRecord]:
    found: list[DeploymentRecord] = []
    for module in (roll_out, try_candidate):
        monkeypatch.setattr(module, "record_deployment", found.append)
    return found


@pytest.mark.parametrize("problem", ["", "a registry is away"])
def test_a_roll_out_that_goes_wrong_takes_the_champion_back(
    monkeypatch: pytest.MonkeyPatch, rows: list[DeploymentRecord], problem: str
) -> None:
    told: list[Any] = []

    def deploy(version: Any, config: Any, former: Any, image: Any, take_back: Any) -> RollOut:
        told.append((version.version, former, image, take_back("too slow")))
        return _found("rolled_back")

    def roll_back(
        model: str, version: str, services: Any, places: Any, only_from: str
    ) -> RolledBack:
        told.append((model, version, [each.address for each in services]))
        return RolledBack(PROMOTED, (Served("http://a", 0.1, problem),), "")

    monkeypatch.setattr(roll_out, "deploy", deploy)
    monkeypatch.setattr(roll_out, "roll_back", roll_back)
    config = DeploymentConfig(services=("http://a/", "http://b"))
    found = roll_out.roll_out.entrypoint(
        PROMOTED, config, ImageResult(sentence="built", tag="image:2")
    )
    assert found.outcome == "rolled_back"
    assert told == [
        ("digits", "v1", ["http://a", "http://b"]),
        ("v2", "v1", "image:2", problem),
    ]
    [row] = rows
    assert (row.action, row.outcome, row.generation) == ("roll_out", "rolled_back", 5)
    assert (row.model_version, row.detail) == ("v2", "too slow; v1 is the champion again")


def test_a_first_champion_has_none_before() -> None:
    first = PROMOTED.model_copy(update={"former": None})
    said = roll_out.WayBack(first, DeploymentConfig())("too slow")
    assert said == "v2 is the first champion, so there is none to go back to"


def test_a_champion_that_cannot_be_taken_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, only_from: str) -> RolledBack:
        raise BundleError("v1 is damaged")

    monkeypatch.setattr(roll_out, "roll_back", fail)
    assert roll_out.WayBack(PROMOTED, DeploymentConfig())("x") == "v1 is damaged"


def _champion_moves(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    told: list[Any] = []

    def roll_back(
        model: str, version: str, services: Any, places: Any, only_from: str
    ) -> RolledBack:
        told.append((model, version, [(each.address, each.key) for each in services]))
        return RolledBack(PROMOTED, (), "")

    monkeypatch.setattr(roll_out, "roll_back", roll_back)
    return told


def test_a_missing_key_takes_the_champion_back_and_is_recorded(
    monkeypatch: pytest.MonkeyPatch, rows: list[DeploymentRecord]
) -> None:
    told = _champion_moves(monkeypatch)
    config = DeploymentConfig(services=("http://a",), admin_key_from="NOT_SET")
    found = roll_out.roll_out.entrypoint(PROMOTED, config)
    assert told == [("digits", "v1", [("http://a", None)])]
    assert found.outcome == "rolled_back"
    assert "NOT_SET is not set; set it to the admin key" in found.reason
    assert found.reason.endswith("; v1 is the champion again")
    assert [(row.outcome, row.detail) for row in rows] == [("rolled_back", found.reason)]


@pytest.mark.parametrize(
    ("target", "error", "outcome", "said"),
    [
        ("local", BundleError, "rolled_back", "gone; v1 is the champion again"),
        ("compose", RollOutError, "rolled_back", "gone; v1 is the champion again"),
        (
            "compose",
            BundleError,
            "failed",
            "gone; whether compose has started its image is not known; v1 is the champion again",
        ),
    ],
)
def test_an_error_of_another_kind_takes_the_champion_back(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[DeploymentRecord],
    target: str,
    error: type[VisionError],
    outcome: str,
    said: str,
) -> None:
    told = _champion_moves(monkeypatch)

    def fail(*_: object) -> RollOut:
        raise error("gone")

    monkeypatch.setattr(roll_out, "deploy", fail)
    config = DeploymentConfig.model_validate({"target": target})
    found = roll_out.roll_out.entrypoint(PROMOTED, config)
    assert (len(told), found.outcome, found.reason) == (1, outcome, said)
    assert [row.outcome for row in rows] == [outcome]


def test_a_defect_takes_the_champion_back_and_is_raised(
    monkeypatch: pytest.MonkeyPatch, rows: list[DeploymentRecord]
) -> None:
    told = _champion_moves(monkeypatch)

    def fail(*_: object) -> RollOut:
        raise ZeroDivisionError

    monkeypatch.setattr(roll_out, "deploy", fail)
    with pytest.raises(ZeroDivisionError):
        roll_out.roll_out.entrypoint(PROMOTED, DeploymentConfig())
    assert len(told) == 1
    assert [row.detail for row in rows] == ["ZeroDivisionError; v1 is the champion again"]


BUNDLE: Any = SimpleNamespace(manifest=SimpleNamespace(name="digits", version="v2"))


def test_a_trial_that_goes_badly_stops_the_deployment(
    monkeypatch: pytest.MonkeyPatch, rows: list[DeploymentRecord]
) -> None:
    noted: list[dict[str, str]] = []
    monkeypatch.setattr(try_candidate, "try_first", lambda *_: _found("rolled_back", "canary"))
    monkeypatch.setattr(try_candidate, "log_metadata", noted.append)
    with pytest.raises(GateStopped) as caught:
        try_candidate.try_candidate.entrypoint(BUNDLE, DeploymentConfig(canary=0.5))
    assert str(caught.value) == "canary of digits v2: rolled back; too slow"
    ended: Any = SimpleNamespace(run_metadata=noted[0])
    assert try_candidate.find_failed_trial(ended) == "canary of digits v2: rolled back; too slow"
    assert [(row.action, row.outcome) for row in rows] == [("trial_canary", "rolled_back")]


def test_without_a_trial_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch, rows: list[DeploymentRecord]
) -> None:
    monkeypatch.setattr(try_candidate, "find_services", lambda *_: [])
    found = try_candidate.try_candidate.entrypoint(BUNDLE, DeploymentConfig())
    assert (found.outcome, rows) == ("nothing", [])


def test_without_a_trial_what_is_left_over_is_ended(
    monkeypatch: pytest.MonkeyPatch,
    rows: list[DeploymentRecord],
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = PretendService("http://a", trial=["canary", "v2"])
    monkeypatch.setattr(try_candidate, "find_services", lambda *_: [service])
    found = try_candidate.try_candidate.entrypoint(BUNDLE, DeploymentConfig())
    assert (found.outcome, service.calls, rows) == ("nothing", ["end"], [])
    assert "http://a tried digits v2; ended" in capsys.readouterr().err
    try_candidate.try_candidate.entrypoint(BUNDLE, DeploymentConfig(target="none"))
    assert service.calls == ["end"]
