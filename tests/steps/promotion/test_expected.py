"""A promotion replaces the champion that its version was compared with, and no other one."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.promotion.expected import UNSET
from steps.promotion.history import read_history
from steps.promotion.journal import read_journal
from steps.promotion.promote import promote
from tests.steps.promotion.fake_places import MODEL
from tests.steps.promotion.test_promote import BEFORE, Places, champion, rows
from vision.bundles.champion import read_champion
from vision.errors import BundleError, VisionError

pytestmark = pytest.mark.integration


@pytest.mark.fault
@pytest.mark.parametrize("expected", ["v0", None])
def test_a_champion_that_changed_since_the_comparison_is_not_replaced(
    places: Places, expected: str | None
) -> None:
    """B and C are compared with A; B is promoted, and C, which is worse, comes after."""
    promote(MODEL, "v2", places, expected="v1")
    before = read_history(MODEL)
    with pytest.raises(VisionError) as caught:
        promote(MODEL, "v3", places, expected=expected)
    assert str(caught.value) == (
        "the champion of shapes has changed since v3 was compared with it: it was "
        f"{expected or 'none'}, and is v2 now; run the deployment again, which compares anew"
    )
    assert champion() == "v2"
    assert [place.held for place in places] == [{"champion": "v2"}] * 2
    assert (read_journal(MODEL), read_history(MODEL)) == (None, before)
    assert rows() == [("promote", "v3", "refused", 1), ("promote", "v2", "done", 1)]


@pytest.mark.fault
def test_a_champion_that_is_gone_since_the_comparison_is_noticed(
    places: Places, home: Path
) -> None:
    (home / "champions" / f"{MODEL}.json").unlink()
    with pytest.raises(VisionError, match=r"it was v1, and is none now; run the deployment again"):
        promote(MODEL, "v2", places, expected="v1")
    assert read_champion(MODEL) is None


def test_the_expected_champion_and_the_version_itself_are_replaced_or_kept(places: Places) -> None:
    assert promote(MODEL, "v2", places, expected="v1").former == "v1"
    assert not promote(MODEL, "v2", places, expected="v1").is_new


@pytest.mark.fault
def test_a_damaged_pointer_is_replaced_only_where_none_was_expected(
    places: Places, home: Path
) -> None:
    path = home / "champions" / f"{MODEL}.json"
    path.write_text("{")
    for expected in (UNSET, "v1"):
        with pytest.raises(BundleError, match="is damaged"):
            promote(MODEL, "v2", places, expected=expected)
    places[1].fails_on = {"move"}
    with pytest.raises(ConnectionError):
        promote(MODEL, "v2", places, expected=None)
    assert ([place.held for place in places], read_journal(MODEL)) == ([BEFORE] * 2, None)
    places[1].fails_on = set()
    assert promote(MODEL, "v2", places, expected=None).former is None
    assert champion() == "v2"
