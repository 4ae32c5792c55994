"""A rollback serves first, and brings the registries in line after."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from steps.promotion.history import read_history
from steps.promotion.journal import Journal, read_journal, write_journal
from steps.promotion.promote import move_pointer, promote
from steps.promotion.rollback import Served, roll_back
from steps.promotion.services import ServiceAwayError, ServiceRefusedError
from tests.run.loading import loaded_by
from tests.steps.promotion.fake_places import MODEL, FakePlace
from tests.steps.promotion.test_promote import BEFORE, Places, champion, rows
from vision.errors import BundleError, VisionError

pytestmark = pytest.mark.integration


@dataclass
class FakeService:
    """Notes what it is told, and what the places held then."""

    places: Places
    address: str = "http://here"
    fails: Exception | None = None
    told: list[tuple[str, str]] = field(default_factory=list)

    def serve(self, name: str, version: str) -> None:
        if self.fails:
            raise self.fails
        assert champion() == version, "the pointer comes first"
        self.told.append((version, self.places[0].held["champion"]))


@pytest.fixture
def promoted(places: Places) -> Places:
    """v1, then v2, then v3: the champion."""
    for version in ("v2", "v3"):
        promote(MODEL, version, places)
    for place in places:
        place.calls.clear()
    return places


def test_the_services_are_told_before_the_registries(promoted: Places) -> None:
    service = FakeService(promoted)
    seen: list[Served] = []
    done = roll_back(MODEL, None, [service], promoted, seen.append)
    assert service.told == [("v2", "v3")]
    assert (done.change.version, done.change.former, done.change.number) == ("v2", "v3", 3)
    assert done.served == tuple(seen)
    assert seen[0].problem == ""
    assert [place.held["champion"] for place in promoted] == ["v2", "v2"]
    assert (read_journal(MODEL), done.waiting) == (None, "")
    assert rows()[0] == ("rollback", "v2", "done", 3)


def test_again_goes_further_back_and_then_there_is_none(promoted: Places) -> None:
    for expected in ("v2", "v1"):
        assert roll_back(MODEL, None, [], promoted).change.version == expected
    with pytest.raises(
        BundleError, match=r"^shapes v1 is the first champion, so there is none before it; name"
    ):
        roll_back(MODEL, None, [], promoted)
    assert champion() == "v1"
    assert rows()[0] == ("rollback", "", "refused", 4)


def test_a_version_can_be_named(promoted: Places) -> None:
    assert roll_back(MODEL, "v1", [], promoted).change.version == "v1"
    assert read_history(MODEL).previous == ()


def test_a_version_that_was_never_champion_can_be_named(places: Places) -> None:
    assert roll_back(MODEL, "v3", [], places).change.former == "v1"
    assert read_history(MODEL).previous == ("v1",)


def test_the_champion_itself_is_served_and_stays(promoted: Places) -> None:
    service = FakeService(promoted)
    done = roll_back(MODEL, "v3", [service], promoted)
    assert service.told == [("v3", "v3")]
    assert (done.change.version, done.change.is_new) == ("v3", False)
    assert promoted[0].calls == []


def test_only_the_named_champion_is_replaced(promoted: Places) -> None:
    service = FakeService(promoted)
    sentence = "^v3 has become the champion of shapes since, and stays$"
    with pytest.raises(VisionError, match=sentence):
        roll_back(MODEL, "v1", [service], promoted, only_from="v2")
    assert (champion(), service.told, read_journal(MODEL)) == ("v3", [], None)
    assert rows()[0] == ("rollback", "v1", "refused", 2)
    assert roll_back(MODEL, "v1", [service], promoted, only_from="v3").change.version == "v1"


@pytest.mark.parametrize("version", ["v9", "no/id"])
def test_what_is_not_in_the_store_is_refused(promoted: Places, version: str) -> None:
    with pytest.raises(BundleError, match=r"v9|no/id"):
        roll_back(MODEL, version, [], promoted)
    assert champion() == "v3"
    assert rows()[0][2] == "refused"


def test_without_a_champion_there_is_nothing_to_roll_back(places: Places) -> None:
    with pytest.raises(BundleError, match=r"^the model 'nobody' has no champion, so there is noth"):
        roll_back("nobody", None, [], places)


def test_a_service_that_refuses_keeps_nobody_back(promoted: Places) -> None:
    services = [
        FakeService(promoted, "http://a", ServiceRefusedError("it does not")),
        FakeService(promoted, "http://b"),
        FakeService(promoted, "http://c", ServiceAwayError("nobody there")),
    ]
    done = roll_back(MODEL, None, services, promoted)
    assert [(each.address, each.problem, each.is_away) for each in done.served] == [
        ("http://a", "it does not", False),
        ("http://b", "", False),
        ("http://c", "nobody there", True),
    ]
    assert champion() == "v2"


def test_again_after_a_refusal_the_same_version_is_tried(promoted: Places) -> None:
    service = FakeService(promoted, fails=ServiceRefusedError("wrong key"))
    first = roll_back(MODEL, None, [service], promoted)
    assert (first.is_open, first.carries_on) == (True, None)
    assert [place.held["champion"] for place in promoted] == ["v2", "v2"]

    service.fails = None
    again = roll_back(MODEL, None, [service], promoted)
    assert (again.change.version, again.change.number, again.is_open) == ("v2", 3, False)
    assert again.carries_on == first.change.at
    assert service.told == [("v2", "v2")]
    assert (read_journal(MODEL), read_history(MODEL).previous) == (None, ("v1",))
    assert [row for row in rows() if row[0] == "rollback"] == [("rollback", "v2", "done", 3)]

    assert roll_back(MODEL, None, [service], promoted).change.version == "v1"


def test_after_a_refusal_another_version_can_be_named_or_promoted(promoted: Places) -> None:
    service = FakeService(promoted, fails=ServiceRefusedError("wrong key"))
    roll_back(MODEL, None, [service], promoted)
    service.fails = None
    assert roll_back(MODEL, "v1", [service], promoted).change.former == "v2"
    assert (read_journal(MODEL), read_history(MODEL).previous) == (None, ())

    service.fails = ServiceRefusedError("wrong key")
    roll_back(MODEL, "v2", [service], promoted)
    promote(MODEL, "v3", promoted)
    assert (champion(), read_journal(MODEL)) == ("v3", None)
    assert read_history(MODEL).previous == ("v2", "v1")


@pytest.mark.parametrize("may_be_away", [False, True])
def test_who_is_away_holds_a_rollback_open_unless_it_may_be(
    promoted: Places, may_be_away: bool
) -> None:
    service = FakeService(promoted, fails=ServiceAwayError("nobody there"))
    done = roll_back(MODEL, None, [service], promoted, may_be_away=may_be_away)
    assert done.is_open is not may_be_away
    again = roll_back(MODEL, None, [], promoted)
    assert again.change.version == ("v1" if may_be_away else "v2")


def test_a_registry_that_is_down_is_carried_on_later(promoted: Places) -> None:
    promoted[0].fails_on = {"move"}
    done = roll_back(MODEL, None, [FakeService(promoted)], promoted)
    assert done.waiting == (
        "a registry still names another version (ConnectionError: alias does not answer); the next "
        "promotion or rollback carries it on"
    )
    assert rows()[0] == ("rollback", "v2", "done", 3)
    promoted[0].fails_on = set()
    again = roll_back(MODEL, None, [], promoted)
    assert again.change.version == "v2", "it carries on, and does not go further back"
    assert [place.held["champion"] for place in promoted] == ["v2", "v2"]
    assert read_journal(MODEL) is None
    assert len(rows()) == 3


@pytest.mark.parametrize("pointer_moved", [True, False])
def test_a_promotion_that_died_is_settled_after_the_services(
    places: Places, pointer_moved: bool
) -> None:
    promote(MODEL, "v2", places)
    before = {place.name: place.held for place in places}
    died = Journal(action="promote", model=MODEL, to="v3", former="v2", number=2, before=before)
    write_journal(died)
    places[0].move(MODEL, "v3", "v2")
    if pointer_moved:
        move_pointer(died)
    service = FakeService(places)
    done = roll_back(MODEL, None, [service], places)
    expected = "v2" if pointer_moved else "v1"
    assert done.change.version == expected
    assert service.told == [(expected, "v3")], "before the registries are settled"
    assert [place.held["champion"] for place in places] == [expected] * 2
    assert read_journal(MODEL) is None
    assert read_history(MODEL).previous == (("v1",) if pointer_moved else ())
    ended = "done" if pointer_moved else "refused"
    assert ("promote", "v3", ended, 2) in rows()


def test_all_services_are_told_at_once(promoted: Places) -> None:
    meeting = threading.Barrier(3, timeout=60)

    @dataclass
    class Meeting(FakeService):
        def serve(self, name: str, version: str) -> None:
            meeting.wait()

    done = roll_back(MODEL, None, [Meeting(promoted) for _ in range(3)], promoted)
    assert [each.problem for each in done.served] == ["", "", ""]


def test_nothing_slow_is_imported_before_the_services_are_told() -> None:
    code = "import steps.promotion.rollback, steps.promotion.services\n"
    code += "from steps.promotion.places import all_places; all_places()"
    assert loaded_by(code, {"zenml", "mlflow", "tensorflow", "pandas"}) == "[]"


def test_before_is_what_the_fixture_says(places: Places) -> None:
    assert [place.held for place in places] == [BEFORE] * 2
    assert isinstance(places[0], FakePlace)
