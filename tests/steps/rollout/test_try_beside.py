"""Trials on services that are made up: nothing is served afterwards that was not before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.rollout.snapshot import Snapshot, read_snapshot
from steps.rollout.try_beside import end_left_over, try_beside
from tests.steps.rollout.pretend import V1, V2, PretendService, Version
from tests.steps.rollout.test_roll_out import RULES, _pair, _served

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("mode", ["shadow", "canary"])
def test_a_trial_ends_and_leaves_what_is_served(mode: str) -> None:
    services = _pair()
    found = try_beside(V2, services, RULES, mode, 0.1)  # type: ignore[arg-type]
    assert (found.outcome, found.mode, found.share) == ("done", mode, 0.1)
    assert _served(services) == [V1, V1]
    for each in services:
        assert each.calls == [f"{mode} v2 0.1", "end"]
        # Where this process is killed, each ends by itself: after the watch and a minute for each.
        assert each.ends_after == [0.1 + 2 * 60.0]


def test_what_is_left_over_of_the_same_model_is_ended() -> None:
    left, away, other = (PretendService(f"http://{name}") for name in "abc")
    for each in (left, away, other):
        each.trial[:] = ["canary", "v3"]
    away.away[0] = True
    other = replace(other, model="owls")
    idle = PretendService("http://d")
    assert end_left_over("digits", [left, away, other, idle]) == (
        "http://a tried digits v3; ended",
    )
    assert [each.calls for each in (left, away, other, idle)] == [["end"], [], [], []]


def test_what_the_worker_that_answers_has_not_learnt_of_is_ended_too() -> None:
    class Late(PretendService):
        def tried(self) -> Version | None:
            return None

    service = Late("http://a")
    service.trial[:] = ["canary", "v3"]
    assert end_left_over("digits", [service]) == ("http://a tried digits v3; ended",)
    assert service.calls == ["end"]


def test_a_version_that_the_service_does_not_name_is_ended_too() -> None:
    class Many(PretendService):
        def tried(self) -> Version | None:
            return None

        def snapshot(self) -> Snapshot:
            # What comes after the fourth candidate since the service has started.
            return read_snapshot(
                'visionstack_candidate_share{mode="other",name="digits",version="other"} 0.1\n'
                'visionstack_candidate_share{mode="other",name="other",version="other"} 0.1\n'
            )

    service = Many("http://a")
    assert end_left_over("digits", [service]) == ("http://a tried a version of digits; ended",)
    assert end_left_over("owls", [service]) == ()
    assert service.calls == ["end"]


def test_a_trial_that_cannot_begin_says_that_nothing_changed() -> None:
    found = try_beside(V2, _pair(away=[True]), RULES, "canary", 0.1)
    assert found.outcome == "rolled_back"
    assert found.reason == "http://b cannot be reached (planted); no service was told to change"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"errors": {"v2": 0.5}}, "requests failed"),
        ({"seconds": {"v2": 0.1}}, "times that of before"),
    ],
)
@pytest.mark.parametrize("mode", ["shadow", "canary"])
def test_a_candidate_that_does_badly_is_ended(
    mode: str, settings: dict[str, object], reason: str
) -> None:
    services = _pair(**settings)
    found = try_beside(V2, services, RULES, mode, 0.1)  # type: ignore[arg-type]
    assert found.outcome == "rolled_back"
    assert reason in found.reason
    assert [each.calls[-1] for each in services] == ["end", "end"]


def test_a_trial_is_ended_where_somebody_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("steps.rollout.try_beside.watch", interrupt)
    service = PretendService("http://a")
    with pytest.raises(KeyboardInterrupt):
        try_beside(V2, [service], RULES, "canary", 0.1)
    assert service.calls[-1] == "end"


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (None, "http://a has no model yet, so there is nothing to compare with"),
        (V2, "http://a serves v2 already"),
    ],
)
def test_without_another_version_beside_it_nothing_is_tried(
    served: Version | None, reason: str
) -> None:
    service = PretendService("http://a", now=[served])
    found = try_beside(V2, [service], RULES, "canary", 0.1)
    assert (found.outcome, found.reason, service.calls) == ("nothing", reason, [])
