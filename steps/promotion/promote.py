"""Makes a version the champion, in all places or in none.

The journal comes first, then the places one after another, and the champion pointer last: with it
the promotion is done. What fails before is put back at once. What dies before is put back, and what
dies after is carried on, by whoever promotes or rolls back next.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Protocol

from serving.models.fault import fault_point
from serving.models.store import bundle_folder, bundle_tag
from serving.record import DeploymentRecord
from steps.promotion.expected import UNSET, Expected, find_present, tell_change
from steps.promotion.history import read_history, write_history
from steps.promotion.journal import (
    Action,
    Journal,
    State,
    locked,
    read_journal,
    remove_journal,
    write_journal,
)
from vision.bundles.champion import Champion, write_champion
from vision.bundles.files import verify_files
from vision.bundles.manifest import read_manifest
from vision.bundles.promoted import Promoted
from vision.errors import VisionError
from vision.progress import say

# As long as a registry that does not answer may hold up another promotion.
WAITS_S = 120.0


class Place(Protocol):
    """Where it is written down which version is the champion, beside the pointer.

    All that it does may be done twice.
    """

    @property
    def name(self) -> str:
        """A word for journals and messages."""

    def look(self, model: str, to: str) -> State:
        """Returns what it holds now, enough to put it back after ``to`` was moved there."""

    def move(self, model: str, to: str, former: str | None) -> None:
        """Makes ``to`` the champion here instead of ``former``."""

    def restore(self, model: str, before: State) -> None:
        """Puts back what :meth:`look` has returned."""


def promote(
    model: str,
    version: str,
    places: Sequence[Place],
    within_s: float = WAITS_S,
    expected: Expected = UNSET,
) -> Promoted:
    """Makes a version the champion; what an earlier change has left half done is settled first.

    Args:
      model: the model's name.
      version: a bundle in the model store.
      places: moved in this order, before the champion pointer.
      within_s: how long another change may take before this one gives up.
      expected: the champion that the version was compared with, None for none; any if unset.

    Raises:
      BundleError: the version is not in the store or damaged; nothing has changed.
      VisionError: another change does not end, a file cannot be written, or the champion is not the
        expected one; then nothing has changed, and the refusal is recorded.
      Exception: whatever a place raises; nothing has changed.
    """
    with locked(model, within_s):
        settle(model, places)
        check_stored(model, version)
        champion = find_present(model, expected)
        if champion is not None and champion.version == version:
            return _keep(champion, places)
        if why := tell_change(version, model, champion, expected):
            record_refusal("promote", model, version, why)
            raise VisionError(why)
        before = {place.name: place.look(model, version) for place in places}
        former = champion.version if champion else None
        journal = Journal(
            action="promote",
            model=model,
            to=version,
            former=former,
            number=read_history(model).number + 1,
            before=before,
        )
        write_journal(journal)
        try:
            _carry_out(journal, places)
        except BaseException as error:
            # Also an interrupt: nobody wants a promotion that stopped in the middle.
            if not journal.is_done:
                _take_back(journal, places, str(error) or type(error).__name__)
            raise
        finish(journal)
    return promoted(journal)


def promoted(journal: Journal) -> Promoted:
    """Returns a change that is done as its caller gets it."""
    return Promoted(
        model=journal.model,
        version=journal.to,
        former=journal.former,
        number=journal.number,
        at=journal.began_at,
    )


def settle(model: str, places: Sequence[Place]) -> None:
    """Ends what a process has left half done; to be called with the lock held.

    Raises:
      Exception: whatever a place raises; the journal stays for the next time.
    """
    journal = read_journal(model)
    if journal is None:
        return
    if journal.is_done:
        say(f"carrying on: {_describe(journal)} did not end after the pointer had moved")
        follow(journal, True, places)
        finish(journal)
    else:
        say(f"taking back: {_describe(journal)} was interrupted before the pointer had moved")
        follow(journal, False, places)
        record_change(journal, "refused", "interrupted before it was done")
        remove_journal(model)


def follow(journal: Journal, is_done: bool, places: Sequence[Place]) -> None:
    """Brings the places to where the pointer is."""
    if journal.earlier is not None:
        follow(journal.earlier, journal.earlier_is_done, places)
    if is_done:
        for place in places:
            place.move(journal.model, journal.to, journal.former)
            fault_point(f"promotion-{place.name}-moved")
        return
    for place in reversed(places):
        if place.name in journal.before:
            place.restore(journal.model, journal.before[place.name])
            fault_point(f"promotion-{place.name}-restored")


def move_pointer(journal: Journal) -> None:
    """Makes the version the champion for whoever follows the pointer."""
    tag = bundle_tag(journal.model, journal.to)
    write_champion(Champion(name=journal.model, version=journal.to, bento_model=tag))
    fault_point("promotion-pointer-moved")


def finish(journal: Journal) -> None:
    """Writes down that a change is done, and that nothing is under way any more."""
    write_history(journal)
    record_change(journal, "done")
    fault_point("promotion-recorded")
    remove_journal(journal.model)


def check_stored(model: str, version: str) -> None:
    """Checks that a version is in the model store, complete and unchanged.

    Raises:
      BundleError: it is not.
    """
    folder = bundle_folder(bundle_tag(model, version))
    verify_files(folder, read_manifest(folder))


def record_refusal(action: Action, model: str, version: str, why: str) -> None:
    """Stores the row of a change that was not begun; the version is empty where none was named."""
    number = read_history(model).number
    _record(DeploymentRecord(uuid.uuid4().hex, number, action, model, version, "refused", why))


def _keep(champion: Champion, places: Sequence[Place]) -> Promoted:
    """Brings the places in line with a champion that stays."""
    history = read_history(champion.name)
    former = history.previous[0] if history.previous else None
    for place in places:
        place.move(champion.name, champion.version, former)
    return Promoted(
        model=champion.name,
        version=champion.version,
        former=former,
        number=history.number,
        at=champion.promoted_at,
        is_new=False,
    )


def _carry_out(journal: Journal, places: Sequence[Place]) -> None:
    follow(journal, True, places)
    move_pointer(journal)


def _take_back(journal: Journal, places: Sequence[Place], why: str) -> None:
    """Puts back what was moved; what fails here is left to the journal, for the next time."""
    try:
        follow(journal, False, places)
    except Exception as error:  # noqa: BLE001  the first failure is raised, the journal stays
        say(f"{_describe(journal)} could not be taken back ({error}); the next one does it")
        return
    record_change(journal, "refused", why)
    remove_journal(journal.model)


def record_change(journal: Journal, outcome: str, detail: str = "") -> None:
    """Stores the row of a change, once; a database that is away costs a sentence."""
    change = (journal.action, journal.model, journal.to)
    _record(DeploymentRecord(journal.id, journal.number, *change, outcome, detail))


def _record(record: DeploymentRecord) -> None:
    # Late, because SQLAlchemy takes half a second that a rollback has no time for.
    from serving.log.recording import record_deployment

    problem = record_deployment(record)
    if problem:
        say(problem)


def _describe(journal: Journal) -> str:
    word = "promotion" if journal.action == "promote" else "rollback"
    return f"the {word} of {journal.model} to {journal.to}"
