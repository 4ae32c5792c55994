"""What goes, what stays and what is left, from what was found."""

from __future__ import annotations

import pytest

from steps.upkeep.plan import OLD_AFTER_S, judge, make_plan
from steps.upkeep.staying import ALL, Staying
from steps.upkeep.thing import Kind, Owner, Thing

pytestmark = pytest.mark.unit

NOW = 1_000_000.0
NOTHING = Staying({}, {})


def make_thing(
    *owners: Owner, kind: Kind = "archive", at: float | None = 0.0, user: str = ""
) -> Thing:
    return Thing(kind, "/a.tar", frozenset(owners), 7, at, user=user)


def judged(thing: Thing, staying: Staying = NOTHING) -> tuple[str, str]:
    verdict = judge(thing, staying, NOW)
    return verdict.fate, verdict.why


def test_a_version_that_is_not_kept_goes() -> None:
    thing = make_thing(("digits", "v1"))
    assert judged(thing) == ("goes", "digits v1 is not kept")
    kept = Staying({("digits", "v2"): "the champion", ("shapes", "v1"): "the champion"}, {})
    assert judged(thing, kept) == ("goes", "digits v1 is not kept")


def test_a_version_that_is_kept_stays_and_one_owner_is_enough() -> None:
    kept = Staying({("shapes", "v1"): "the champion"}, {})
    thing = make_thing(("digits", "v1"), ("shapes", "v1"))
    assert judged(thing, kept) == ("stays", "the champion")


def test_what_is_younger_than_a_day_stays_and_what_has_no_age_does_not() -> None:
    assert judged(make_thing(at=NOW - OLD_AFTER_S + 1)) == ("stays", "younger than a day")
    assert judged(make_thing(at=NOW + 60)) == ("stays", "younger than a day")
    assert judged(make_thing(at=NOW - OLD_AFTER_S)) == ("goes", "it has no note")
    assert judged(make_thing(at=None)) == ("goes", "it has no note")


def test_nothing_of_a_model_goes_of_which_something_is_damaged() -> None:
    doubts = Staying({}, {"digits": "its history is damaged"})
    why = "it cannot be told what stays: its history is damaged"
    assert judged(make_thing(("digits", "v1")), doubts) == ("left", why)
    assert judged(make_thing(), doubts) == ("left", why), "it may be of any model"
    assert judged(make_thing(("shapes", "v1")), doubts)[0] == "goes"
    everything = Staying({}, {ALL: "the active pointer is damaged"})
    assert judged(make_thing(("shapes", "v1")), everything)[0] == "left"


def test_what_a_process_uses_is_left() -> None:
    thing = make_thing(("digits", "v1"), user="podman (7)")
    assert judged(thing) == ("left", "used by podman (7)")


def test_leftovers_belong_to_no_version() -> None:
    left = Thing("leftover", "/.making-1", None, 0, 0.0)
    doubts = Staying({}, {ALL: "the active pointer is damaged"})
    assert judged(left, doubts) == ("goes", "left by a process that was killed")


def test_the_plan_has_an_order_and_a_sum() -> None:
    image = Thing("image", "visionstack:1", frozenset({("digits", "v1")}), None, None)
    things = [make_thing(), Thing("note", "/a.json", frozenset(), 3, 0.0), image]
    plan = make_plan([things[1], things[0], things[2]], NOTHING, NOW)
    assert [each.thing.kind for each in plan.goes] == ["image", "archive", "note"]
    assert plan.n_bytes == 10
    assert plan.is_sure
    assert not make_plan([], NOTHING, NOW, ["it cannot be read"]).is_sure
    assert not make_plan([], Staying({}, {"digits": "damaged"}), NOW).is_sure
