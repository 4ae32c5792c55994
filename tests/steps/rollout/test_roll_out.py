"""Roll-outs on services that are made up: all of them change, or none does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steps.rollout.roll_out import roll_out
from steps.rollout.watch import Rules, judge
from tests.steps.rollout.pretend import V1, V2, PretendService, Version
from vision.bundles.champion import Champion, write_champion
from vision.bundles.rolled_out import Figures, RollOut

pytestmark = pytest.mark.unit

RULES = Rules(watch_s=0.1, max_errors=0.01, max_slowdown=3.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.rollout.roll_out._FOLLOWS_WITHIN_S", 0.05)
    monkeypatch.setattr("steps.rollout.service_client._ASK_AGAIN_S", 0.001)


def _served(services: list[PretendService]) -> list[Version | None]:
    return [each.now[0] for each in services]


def _pair(**settings: object) -> list[PretendService]:
    first = PretendService("http://a")
    return [first, PretendService("http://b", **settings)]  # type: ignore[arg-type]


def _roll(services: list[PretendService], rules: Rules = RULES, **settings: object) -> RollOut:
    return roll_out(V2, services, rules, 0.2, **settings)  # type: ignore[arg-type]


def test_every_service_changes_and_is_watched() -> None:
    services = _pair()
    found = _roll(services)
    assert (found.outcome, found.reason) == ("done", "")
    assert _served(services) == [V2, V2]
    for replica in found.replicas:
        assert (replica.former, replica.served, replica.problem) == ("v1", "v2", "")
        assert replica.watched is not None
        assert replica.watched.n_requests >= 100
        assert replica.ready_s is not None
    assert RollOut.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"errors": {"v2": 0.05}}, "requests failed (5.0%, at most 1.0%)"),
        ({"seconds": {"v2": 0.016}}, "times that of before (at most 3 times)"),
        ({"refuses": frozenset({"v2"})}, "http://b refused v2"),
    ],
)
def test_one_that_does_badly_takes_all_back(settings: dict[str, object], reason: str) -> None:
    services = _pair(**settings)
    found = _roll(services)
    assert found.outcome == "rolled_back"
    assert reason in found.reason
    assert _served(services) == [V1, V1]
    assert [each.served for each in found.replicas] == ["v1", "v1"]


def test_a_service_that_goes_away_while_it_is_watched_takes_the_others_back() -> None:
    services = _pair()
    looks = 0

    class Going(PretendService):
        def snapshot(self) -> object:  # type: ignore[override]
            nonlocal looks
            looks += 1
            self.away[0] = looks > 3  # the first while it is watched
            return super().snapshot()

    services[1] = Going("http://b")
    found = _roll(services)
    assert found.outcome == "failed"
    assert found.reason.count("http://b cannot be reached") == 2
    assert services[0].now[0] == V1


def test_a_service_that_is_away_from_the_start_changes_nothing() -> None:
    services = _pair(away=[True])
    found = _roll(services)
    assert found.outcome == "rolled_back"
    assert found.reason == ("http://b cannot be reached (planted); no service was told to change")
    assert services[0].calls == []


def test_where_the_champion_is_taken_back_nothing_untrue_is_said() -> None:
    told: list[str] = []

    def take_back(reason: str) -> str:
        told.append(reason)
        return ""

    found = _roll(_pair(away=[True]), take_back=take_back)
    assert (found.outcome, found.reason) == ("rolled_back", "http://b cannot be reached (planted)")
    assert told == ["http://b cannot be reached (planted)"]


def test_a_service_that_had_the_version_is_left_with_it() -> None:
    service = PretendService("http://a", now=[V2], errors={"v2": 1.0})
    found = _roll([service])
    assert found.outcome == "rolled_back"
    assert (_served([service]), service.calls) == ([V2], ["v2"])


def test_without_any_service_there_is_nothing_to_do() -> None:
    found = _roll([PretendService("http://a", away=[True])])
    assert found.outcome == "nothing"
    assert found.reason.endswith("it serves the champion once it starts")
    assert not found.is_undone


def test_one_that_follows_the_champion_is_told_nothing() -> None:
    service = PretendService("http://a", now=[V2], is_following=True)
    found = _roll([service], former="v1")
    assert (found.outcome, service.calls) == ("done", [])


def test_one_that_follows_goes_back_to_the_champion_before() -> None:
    service = PretendService("http://a", now=[V2], is_following=True, errors={"v2": 1.0})
    found = _roll([service], former="v1")
    assert (found.outcome, _served([service])) == ("rolled_back", [V1])


@pytest.mark.parametrize(("left", "outcome"), [("", "rolled_back"), ("no champion", "failed")])
def test_who_has_moved_more_takes_it_back_itself(left: str, outcome: str) -> None:
    reasons: list[str] = []

    def take_back(reason: str) -> str:
        reasons.append(reason)
        return left

    services = _pair(errors={"v2": 1.0})
    found = _roll(services, take_back=take_back)
    assert found.outcome == outcome
    assert len(reasons) == 1
    assert found.reason == "; ".join(filter(None, [reasons[0], left]))
    assert [each.calls for each in services] == [["v2"], ["v2"]]


def test_one_without_a_model_has_nothing_to_go_back_to() -> None:
    service = PretendService("http://a", now=[None], errors={"v2": 1.0})
    found = _roll([service])
    assert found.outcome == "failed"
    assert found.reason.endswith("http://a had no model to go back to")


def test_silence_is_said() -> None:
    found = _roll([PretendService("http://a", per_look=0)])
    assert found.outcome == "done"
    assert found.reason == "nobody asked anything in the 0.1 s that it was watched"


def _figures(n: int, n_errors: int, median_ms: float | None = 1.0) -> Figures:
    return Figures(n_requests=n, n_errors=n_errors, median_ms=median_ms)


@pytest.mark.parametrize(
    ("now", "is_last", "is_bad"),
    [
        (_figures(19, 19), False, False),
        (_figures(19, 19), True, True),
        (_figures(20, 1), False, True),
        (_figures(100, 1), True, False),
        (_figures(0, 0, None), True, False),
        (_figures(100, 0, 3.0), True, False),
        (_figures(100, 0, 3.1), False, True),
        (_figures(10, 0, 9.0), True, False),
        (_figures(100, 0, None), True, False),
    ],
)
def test_what_is_too_bad(now: Figures, is_last: bool, is_bad: bool) -> None:
    assert bool(judge(_figures(100, 0), now, RULES, is_last=is_last)) == is_bad


def test_a_median_of_before_that_is_not_known_judges_nothing() -> None:
    judged: Callable[..., str] = judge
    assert judged(_figures(5, 0), _figures(100, 0, 99.0), RULES, is_last=True) == ""


def test_a_version_that_is_not_the_champion_is_taken_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path))
    write_champion(Champion(name="digits", version="v1", bento_model="digits:v1"))
    service = PretendService("http://a", errors={"v2": 1.0})
    found = roll_out(V2, [service], RULES, 1.0)
    assert found.outcome == "rolled_back"
    assert service.now == [V1]
