"""The steps around roll-outs: what is taken back with them, and what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from serving.record import DeploymentRecord
from steps import roll_out, try_candidate
from steps.promotion.rollback import RolledBack, Served
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import Outcome, RollOut
from vision.config.deployment import DeploymentConfig
from vision.errors import BundleError, GateStopped
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

    def roll_back(model: str, version: str, services: Any, places: Any) -> RolledBack:
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
    assert (row.model_version, row.detail) == ("v2", "too slow")


def test_a_first_champion_has_none_before() -> None:
    first = PROMOTED.model_copy(update={"former": None})
    said = roll_out._take_back(first, DeploymentConfig(), "too slow")
    assert said == "v2 is the first champion, so there is none to go back to"


def test_a_champion_that_cannot_be_taken_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> RolledBack:
        raise BundleError("v1 is damaged")

    monkeypatch.setattr(roll_out, "roll_back", fail)
    assert roll_out._take_back(PROMOTED, DeploymentConfig(), "x") == "v1 is damaged"


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


def test_without_a_trial_nothing_is_recorded(rows: list[DeploymentRecord]) -> None:
    found = try_candidate.try_candidate.entrypoint(BUNDLE, DeploymentConfig())
    assert (found.outcome, rows) == ("nothing", [])
