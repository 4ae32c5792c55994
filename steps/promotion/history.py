"""Which versions of a model were champion before: what a rollback goes back to.

``home()/deployments/history/<model>.json``. A promotion adds the former champion; a rollback to one
of them takes it off, with all that came after it, so that a second rollback goes further back. What
a rollback takes back is noted too, until it is champion again: it does not come back by itself.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from steps.promotion.files import kept_path, read_kept, write_kept
from steps.promotion.journal import Journal, read_journal
from vision.bundles.manifest import Id, check_id

MAX_PREVIOUS = 10


class History(BaseModel):
    """The champions of a model.

    Attributes:
      model: the model's name.
      number: how often the champion has changed.
      last: id of the last change.
      previous: the versions before the present champion, the latest first.
      taken_back: when a rollback took a version back, in UTC, by the version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Id
    number: int = 0
    last: str = ""
    previous: tuple[Id, ...] = ()
    taken_back: dict[Id, AwareDatetime] = {}


def read_history(model: str) -> History:
    """Returns the history, an empty one where there was no change yet.

    Raises:
      VisionError: it is damaged.
    """
    mend = "delete the file; a rollback then needs the version that it goes back to"
    found = read_kept(_path(model), History, f"the history of the champions of {model}", mend)
    return found or History(model=model)


def write_history(journal: Journal) -> None:
    """Adds a change that is done; a second time changes nothing.

    Raises:
      VisionError: it cannot be written.
    """
    history = read_history(journal.model)
    if history.last == journal.id:
        return
    added = History(
        model=journal.model,
        number=journal.number,
        last=journal.id,
        previous=_previous(history.previous, journal)[:MAX_PREVIOUS],
        taken_back=_taken_back(history.taken_back, journal),
    )
    what = f"the history of the champions of {journal.model}"
    write_kept(_path(journal.model), added, what, "promotion-history")


def find_taken_back(model: str, version: str) -> datetime | None:
    """Returns when a version was last taken back from being champion; None where it never was.

    A rollback that waits for a registry is in its journal alone.

    Raises:
      VisionError: history or journal are damaged.
    """
    journal = read_journal(model)
    known = read_history(model).taken_back
    if journal is not None and journal.is_done:
        known = _taken_back(known, journal)
    return known.get(version)


def _previous(before: tuple[str, ...], journal: Journal) -> tuple[str, ...]:
    if journal.action == "rollback" and journal.to in before:
        return before[before.index(journal.to) + 1 :]
    if journal.former is None:
        return before
    return (journal.former, *(each for each in before if each not in (journal.former, journal.to)))


def _taken_back(before: dict[str, datetime], journal: Journal) -> dict[str, datetime]:
    after = {version: at for version, at in before.items() if version != journal.to}
    if journal.action == "rollback" and journal.former is not None:
        after[journal.former] = journal.began_at
    return after


def _path(model: str) -> Path:
    return kept_path("history", check_id(model, "model name"))
