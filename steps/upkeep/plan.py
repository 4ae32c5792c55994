"""What goes and what is left, from what was found; nothing is read or removed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from steps.upkeep.staying import Staying
from steps.upkeep.thing import Kind, Thing

# Whatever is younger may still be in somebody's hands.
OLD_AFTER_S = 24 * 3600.0

Fate = Literal["goes", "left", "stays"]

_ORDER: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a thing.

    Attributes:
      thing: the thing.
      fate: it ``goes``; it ``stays``, as it should; or it is ``left``, though nobody needs it as
        far as can be seen, and a person may want to know why.
      why: one clause.
    """

    thing: Thing
    fate: Fate
    why: str


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
      goes: what is removed, in this order.
      left: what might have been.
      staying: the versions that stay, and the doubts.
      problems: what could not be looked at, as sentences.
    """

    goes: tuple[Verdict, ...]
    left: tuple[Verdict, ...]
    staying: Staying
    problems: tuple[str, ...] = ()

    @property
    def n_bytes(self) -> int:
        """What the removal frees, without what only a builder could say."""
        return sum(each.thing.n_bytes or 0 for each in self.goes)

    @property
    def is_sure(self) -> bool:
        """Whether everything could be read."""
        return not (self.problems or self.staying.doubts)


def make_plan(
    things: Iterable[Thing], staying: Staying, now: float, problems: Iterable[str] = ()
) -> Plan:
    """Judges everything.

    Args:
      things: what was found.
      staying: the versions that stay.
      now: in seconds of the epoch.
      problems: what could not be looked at.
    """
    verdicts = [judge(thing, staying, now) for thing in things]
    goes = [each for each in verdicts if each.fate == "goes"]
    goes.sort(key=lambda each: (_ORDER.index(each.thing.kind), each.thing.name))
    left = tuple(each for each in verdicts if each.fate == "left")
    return Plan(tuple(goes), left, staying, tuple(problems))


def judge(thing: Thing, staying: Staying, now: float) -> Verdict:
    """Says what becomes of a thing: every rule that keeps it comes before the one that does not."""
    if thing.changed_at is not None and now - thing.changed_at < OLD_AFTER_S:
        return Verdict(thing, "stays", "younger than a day")
    if thing.owners is not None and (kept := _kept(thing.owners, staying)) is not None:
        return Verdict(thing, *kept)
    if thing.user:
        return Verdict(thing, "left", f"used by {thing.user}")
    return Verdict(thing, "goes", _why(thing))


def _kept(owners: frozenset[tuple[str, str]], staying: Staying) -> tuple[Fate, str] | None:
    for owner in sorted(owners):
        if owner in staying.reasons:
            return "stays", staying.reasons[owner]
    # Without an owner it may be of any model.
    doubts = [staying.doubt(model) for model, _ in sorted(owners)] or list(staying.doubts.values())
    doubt = next(filter(None, doubts), "")
    return ("left", f"it cannot be told what stays: {doubt}") if doubt else None


def _why(thing: Thing) -> str:
    if thing.owners is None:
        return "left by a process that was killed"
    if not thing.owners:
        return "of no version that is known" if thing.kind != "archive" else "it has no note"
    named = ", ".join(f"{model} {version}" for model, version in sorted(thing.owners))
    return f"{named} is not kept"
