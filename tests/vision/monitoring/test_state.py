"""Each change is told once, and what nobody could be told comes again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vision.config import MonitoringConfig
from vision.errors import BundleError
from vision.monitoring.state import (
    StateChange,
    find_untold,
    mark_told,
    name_job,
    note_state,
    read_states,
)

pytestmark = pytest.mark.unit

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
NOTHING = None


def _told(*verdicts: str, fails: tuple[int, ...] = ()) -> list[tuple[str | None, str] | None]:
    """Returns what is told about one verdict after the other; the n-th delivery may fail."""
    told: list[tuple[str | None, str] | None] = []
    for number, verdict in enumerate(verdicts):
        change = note_state("digits", "v1", verdict)
        if change and number not in fails:
            mark_told(change)
        told.append((change.before, change.now) if change else NOTHING)
    return told


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (["ok", "ok"], [NOTHING, NOTHING]),
        (["drift", "drift"], [(None, "drift"), NOTHING]),
        (["ok", "drift", "drift", "ok", "ok"],
         [NOTHING, ("ok", "drift"), NOTHING, ("drift", "ok"), NOTHING]),
        (["drift", "ok", "drift"], [(None, "drift"), ("drift", "ok"), ("ok", "drift")]),
        (["error", "error", "ok"], [(None, "error"), NOTHING, ("error", "ok")]),
        (["no_traffic", "ok"], [(None, "no_traffic"), ("no_traffic", "ok")]),
        (["too_few", "too_few", "ok"], [NOTHING, NOTHING, NOTHING]),
        (["too_few", "drift"], [NOTHING, (None, "drift")]),
        (["ok", "too_few", "ok"], [NOTHING, ("ok", "too_few"), ("too_few", "ok")]),
        (["ok", "drift", "error", "drift"],
         [NOTHING, ("ok", "drift"), ("drift", "error"), ("error", "drift")]),
    ],
)  # fmt: skip
def test_only_changes_are_told(
    verdicts: list[str], told: list[tuple[str | None, str] | None]
) -> None:
    assert _told(*verdicts) == told


@pytest.mark.usefixtures("home")
def test_what_nobody_could_be_told_comes_again_until_somebody_is() -> None:
    assert _told("ok", "drift", "drift", "drift", "drift", fails=(1, 2)) == [
        NOTHING, ("ok", "drift"), ("ok", "drift"), ("ok", "drift"), NOTHING,
    ]  # fmt: skip


@pytest.mark.usefixtures("home")
def test_what_is_over_before_anybody_was_told_is_never_told() -> None:
    assert _told("ok", "drift", "ok", fails=(1,)) == [NOTHING, ("ok", "drift"), NOTHING]


WAYS = ("chat", "mail", "log")


def _know(*rounds: tuple[str, str]) -> list[dict[str, str | None]]:
    """Returns who is to be told, and what they know, in each round: a verdict, and who gets it."""
    found = []
    for verdict, reached in rounds:
        change = note_state("digits", "v1", verdict, ways=WAYS)
        untold = find_untold(change, WAYS) if change else {}
        found.append(untold)
        if change:
            got_there = {way: way in reached for way in untold}
            mark_told(change, got_there, is_told="chat" in reached or "mail" in reached)
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("rounds", "untold"),
    [
        # A way that failed is tried again, alone, until it gets there.
        ([("drift", "chat log"), ("drift", ""), ("drift", "mail"), ("drift", "")],
         [dict.fromkeys(WAYS), {"mail": None}, {"mail": None}, {}]),
        # What is over is not told where nobody knew of it; where it was, its end is.
        ([("ok", ""), ("drift", "chat log"), ("ok", "chat log"), ("ok", "")],
         [{}, dict.fromkeys(WAYS, "ok"), {"chat": "drift", "log": "drift"}, {}]),
        ([("drift", "chat log"), ("ok", "chat"), ("ok", "log"), ("drift", "")],
         [dict.fromkeys(WAYS), {"chat": "drift", "log": "drift"}, {"log": "drift"},
          dict.fromkeys(WAYS, "ok")]),
        # A line of the log is written once, however long nobody else can be told.
        ([("drift", "log"), ("drift", "log"), ("drift", "chat mail"), ("drift", "")],
         [dict.fromkeys(WAYS), {"chat": None, "mail": None}, {"chat": None, "mail": None}, {}]),
        ([("drift", "log"), ("ok", "log"), ("ok", "")],
         [dict.fromkeys(WAYS), {"log": "drift"}, {}]),
        ([("drift", "chat log"), ("too_few", "chat log"), ("too_few", "")],
         [dict.fromkeys(WAYS), {"chat": "drift", "log": "drift"}, {}]),
    ],
)  # fmt: skip
def test_each_way_is_told_what_it_does_not_know(
    rounds: list[tuple[str, str]], untold: list[dict[str, str | None]]
) -> None:
    assert _know(*rounds) == untold


def test_a_state_without_what_each_way_knows_is_read(home: Path) -> None:
    assert _told("drift") == [(None, "drift")]
    file = home / "monitoring" / "states" / "digits.json"
    values = json.loads(file.read_text())
    del values["jobs"][""]["v1"]["behind"]
    file.write_text(json.dumps(values))

    assert _know(("drift", ""), ("ok", "chat mail log")) == [{}, dict.fromkeys(WAYS, "drift")]


@pytest.mark.usefixtures("home")
def test_versions_and_models_have_states_of_their_own() -> None:
    for model, version in (("digits", "v1"), ("digits", "v2"), ("cars", "v1")):
        change = note_state(model, version, "drift")
        assert change is not None
        mark_told(change)
        assert note_state(model, version, "drift") is None
    assert sorted(read_states("digits")) == ["v1", "v2"]


@pytest.mark.usefixtures("home")
def test_jobs_that_look_at_different_things_have_states_of_their_own() -> None:
    """A day with drift in a week without: neither takes the other's news back."""
    week, day, pinned = (
        name_job(MonitoringConfig.model_validate(values))
        for values in ({}, {"days": 1}, {"version": "v1"})
    )
    assert (week, day, pinned) == ("all versions, 7 days", "all versions, 1 day", "v1, 7 days")
    told = []
    for _ in range(2):
        for job, verdict in ((week, "ok"), (day, "drift"), (pinned, "error")):
            change = note_state("digits", "v1", verdict, job=job)
            if change is not None:
                mark_told(change)
                told.append((change.job, change.before, change.now))
    assert told == [(day, None, "drift"), (pinned, None, "error")]
    assert [read_states("digits", job)["v1"].told for job in (week, day, pinned)] == [
        "ok", "drift", "error",
    ]  # fmt: skip


@pytest.mark.usefixtures("home")
def test_a_change_says_all_that_was_found() -> None:
    change = note_state(
        "digits", "v1", "drift", moved=("uae",), next_move="look", link="http://x", time=TIME
    )

    assert change == StateChange(
        "digits", "v1", None, "drift", ("uae",), "look", "http://x", time=TIME
    )
    assert change.to_json() == {
        "model": "digits", "version": "v1", "before": None, "now": "drift", "moved": ["uae"],
        "next_move": "look", "link": "http://x", "job": "", "time": "2026-11-21T19:30:00+00:00",
    }  # fmt: skip
    [state] = read_states("digits").values()
    assert (state.seen, state.seen_at, state.told) == ("drift", TIME, None)


@pytest.mark.fault
def test_a_damaged_state_begins_anew_and_tells_once_more(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _told("drift", "drift") == [(None, "drift"), NOTHING]
    file = home / "monitoring" / "states" / "digits.json"
    file.write_text(file.read_text()[:40])

    assert _told("drift", "drift") == [(None, "drift"), NOTHING]
    assert capsys.readouterr().err.startswith("what people were told about digits was damaged; ")


@pytest.mark.security
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["../digits", "a/b", "", "..", "x" * 65])
def test_a_model_name_is_no_path(name: str) -> None:
    with pytest.raises(BundleError, match="are allowed"):
        note_state(name, "v1", "drift")
