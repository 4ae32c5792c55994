"""Brings an earlier version back: the services first, the books after.

The pointer moves and the services are told before anything slow is imported or asked, so that the
old version answers within seconds also while a registry is down. What the registries then do not
take, or a service does not serve, stays in the journal: the next promotion carries it on, and a
rollback that names no version tries this one again instead of going further back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from serving.models.fault import fault_point
from steps.promotion.expected import tell_other
from steps.promotion.history import read_history, write_history
from steps.promotion.journal import Journal, locked, read_journal, write_journal
from steps.promotion.promote import (
    Place,
    check_stored,
    finish,
    follow,
    move_pointer,
    promoted,
    record_change,
    record_refusal,
)
from steps.promotion.services import Service, ServiceAwayError, ServiceRefusedError
from vision.bundles.champion import Champion, read_champion
from vision.bundles.promoted import Promoted
from vision.errors import BundleError, VisionError

# Nobody who rolls back has more time than that.
WAITS_S = 10.0


@dataclass(frozen=True)
class Served:
    """What became of one service.

    Attributes:
      address: where it answers.
      seconds: from the beginning of the rollback until all its answers came from the version.
      problem: why they do not; empty where they do.
      is_away: whether nothing answers there.
    """

    address: str
    seconds: float
    problem: str = ""
    is_away: bool = False


@dataclass(frozen=True)
class RolledBack:
    """A rollback.

    Attributes:
      change: of the champion; ``is_new`` is False where the version was the champion already.
      served: what became of the services, in their order.
      waiting: why a registry still names another version; empty where all agree.
      failed: those of ``served`` that do not serve it, and had to.
      carries_on: when the rollback had begun that this one has carried on; None for a new one.
    """

    change: Promoted
    served: tuple[Served, ...]
    waiting: str = ""
    failed: tuple[Served, ...] = ()
    carries_on: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether a rollback that names no version tries this one again."""
        return self.change.is_new and bool(self.failed)


def roll_back(
    model: str,
    version: str | None,
    services: Sequence[Service],
    places: Sequence[Place],
    on_served: Callable[[Served], None] = lambda served: None,
    within_s: float = WAITS_S,
    began: float | None = None,
    only_from: str | None = None,
    *,
    may_be_away: bool = False,
) -> RolledBack:
    """Makes an earlier version the champion again, and lets the services serve it at once.

    Args:
      model: the model's name.
      version: the version; None for the champion before the present one.
      services: told at the same time.
      places: brought in line afterwards.
      on_served: called with each service as soon as it is known what became of it.
      within_s: how long another change may take before this one gives up.
      began: when, by :func:`time.monotonic`; now without it.
      only_from: the champion that is to be replaced; any if None.
      may_be_away: whether the rollback is done also where nothing answers at an address.

    Raises:
      BundleError: there is no champion, no such version, none before, or it is damaged; nothing
        has changed, and the refusal is recorded.
      VisionError: another change does not end, a file cannot be written, or the champion is not
        ``only_from`` any more; then nothing has changed, and the refusal is recorded.
    """
    began = time.monotonic() if began is None else began
    with locked(model, within_s):
        try:
            if only_from is not None and (other := tell_other(model, only_from)):
                raise VisionError(other)
            journal, champion = _plan(model, version)
        except VisionError as error:
            record_refusal("rollback", model, version or "", str(error))
            raise
        is_new = journal is not None and not journal.is_done
        if journal is not None and is_new:
            write_journal(journal)
            move_pointer(journal)
        version = journal.to if journal else champion.version
        served = _tell(services, model, version, began, on_served)
        fault_point("rollback-services-told")
        failed = tuple(
            each for each in served if each.problem and not (each.is_away and may_be_away)
        )
        if journal is None:
            return RolledBack(_kept(champion), served, failed=failed)
        waiting = _settle(journal, places, is_over=not failed)
        carries_on = None if is_new else journal.began_at
        return RolledBack(promoted(journal), served, waiting, failed, carries_on)


def _plan(model: str, version: str | None) -> tuple[Journal | None, Champion]:
    """Returns what is to be done, and the champion; no journal where it is the version already.

    Raises:
      BundleError: it cannot be done.
    """
    champion = read_champion(model)
    if champion is None:
        raise BundleError(
            f"the model {model!r} has no champion, so there is nothing to roll back; promote a "
            "version first, or name another model with --model"
        )
    left = read_journal(model)
    is_done = left is not None and left.is_done
    if left is not None and is_done:
        if left.action == "rollback" and version in (None, left.to):
            return left, champion  # it did not end; asked again, it goes on and not further back
        write_history(left)
    target = version or _former(model, champion.version)
    check_stored(model, target)
    if target == champion.version:
        return (left if is_done else None), champion
    if left is not None and is_done:
        record_change(left, "done")
    elif left is not None:
        record_change(left, "refused", "interrupted before it was done")
    number = read_history(model).number + 1
    journal = Journal(
        action="rollback",
        model=model,
        to=target,
        former=champion.version,
        number=number,
        earlier=left,
        earlier_is_done=is_done,
    )
    return journal, champion


def _former(model: str, champion: str) -> str:
    for version in read_history(model).previous:
        if version != champion:
            return version
    raise BundleError(
        f"{model} {champion} is the first champion, so there is none before it; name the version "
        f"to serve: run.py rollback VERSION, one of `bentoml models list {model.lower()}`"
    )


def _kept(champion: Champion) -> Promoted:
    history = read_history(champion.name)
    return Promoted(
        model=champion.name,
        version=champion.version,
        former=history.previous[0] if history.previous else None,
        number=history.number,
        at=champion.promoted_at,
        is_new=False,
    )


def _tell(
    services: Sequence[Service],
    model: str,
    version: str,
    began: float,
    on_served: Callable[[Served], None],
) -> tuple[Served, ...]:
    if not services:
        return ()
    tell = partial(_tell_one, model=model, version=version, began=began, on_served=on_served)
    with ThreadPoolExecutor(len(services)) as threads:
        return tuple(threads.map(tell, services))


def _tell_one(
    service: Service, model: str, version: str, began: float, on_served: Callable[[Served], None]
) -> Served:
    problem, is_away = "", False
    try:
        service.serve(model, version)
    except (ServiceAwayError, ServiceRefusedError) as error:
        problem, is_away = str(error), isinstance(error, ServiceAwayError)
    served = Served(service.address, time.monotonic() - began, problem, is_away)
    on_served(served)
    return served


def _settle(journal: Journal, places: Sequence[Place], is_over: bool) -> str:
    """Brings the places in line; returns why one is not.

    The journal stays then, and where the rollback is not over.
    """
    record_change(journal, "done")  # now: a registry that is away would put it off
    try:
        follow(journal, True, places)
    except Exception as error:  # noqa: BLE001  the version is served, whatever a registry says
        why = str(error) if isinstance(error, VisionError) else f"{type(error).__name__}: {error}"
        return (
            f"a registry still names another version ({why}); the next promotion or rollback "
            "carries it on"
        )
    if is_over:
        finish(journal)
    return ""
