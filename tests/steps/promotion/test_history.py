"""What was taken back is remembered until it is champion again."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.promotion.history import find_taken_back, read_history, write_history
from steps.promotion.journal import Journal, read_journal
from steps.promotion.promote import promote
from steps.promotion.rollback import roll_back
from tests.steps.promotion.fake_places import MODEL
from tests.steps.promotion.test_promote import Places

pytestmark = pytest.mark.integration


def test_a_rollback_notes_when_it_took_which_version_back(places: Places) -> None:
    promote(MODEL, "v2", places)
    assert find_taken_back(MODEL, "v2") is None
    done = roll_back(MODEL, None, [], places)
    assert find_taken_back(MODEL, "v2") == done.change.at
    assert find_taken_back(MODEL, "v1") is None
    assert read_history(MODEL).taken_back == {"v2": done.change.at}


def test_once_it_is_champion_again_it_is_forgotten(places: Places) -> None:
    promote(MODEL, "v2", places)
    roll_back(MODEL, None, [], places)
    promote(MODEL, "v2", places)
    assert find_taken_back(MODEL, "v2") is None
    done = roll_back(MODEL, "v1", [], places)
    assert read_history(MODEL).taken_back == {"v2": done.change.at}
    again = roll_back(MODEL, "v2", [], places)
    assert read_history(MODEL).taken_back == {"v1": again.change.at}


@pytest.mark.fault
def test_it_is_known_while_a_registry_is_away(places: Places) -> None:
    promote(MODEL, "v2", places)
    places[0].fails_on = {"move"}
    done = roll_back(MODEL, None, [], places)
    assert done.waiting
    assert read_journal(MODEL) is not None
    assert read_history(MODEL).taken_back == {}
    assert find_taken_back(MODEL, "v2") == done.change.at


def test_a_second_time_changes_nothing_and_a_history_of_before_is_read(home: Path) -> None:
    journal = Journal(action="rollback", model=MODEL, to="v1", former="v2", number=2)
    write_history(journal)
    path = home / "deployments/history/shapes.json"
    first = path.read_bytes()
    write_history(journal)
    assert path.read_bytes() == first
    path.write_text('{"model": "shapes", "number": 2, "last": "x", "previous": ["v0"]}')
    assert read_history(MODEL).taken_back == {}
