"""One difference between two passports, and the words for the usual ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from vision.passport.wording import NOT_KNOWN

Effect = Literal["better", "worse", "other"]
_OPPOSITE: dict[Effect, Effect] = {"better": "worse", "worse": "better", "other": "other"}


@dataclass(frozen=True)
class Change:
    """What differs in the second passport.

    Attributes:
      section: where.
      sentence: for people.
      effect: ``better`` or ``worse`` where numbers say so; it may be within chance.
    """

    section: str
    sentence: str
    effect: Effect = "other"


def number_change(
    section: str,
    name: str,
    before: float | None,
    after: float | None,
    *,
    told: Callable[[float], str],
    more_is: Effect = "other",
    least: float = 0.0,
) -> list[Change]:
    """Says how a number changed; no change where it is the same.

    Args:
      section: where.
      name: of the number.
      before: None where it is not known.
      after: likewise.
      told: puts it in words.
      more_is: what a rise means.
      least: share of the former value; smaller changes are noise and not told.
    """
    if before is None or after is None:
        return text_change(
            section, name, *(None if each is None else told(each) for each in (before, after))
        )
    if before == after or abs(after - before) < least * abs(before):
        return []
    verb = "rises" if after > before else "falls"
    effect = more_is if after > before else _OPPOSITE[more_is]
    return [Change(section, f"{name} {verb} from {told(before)} to {told(after)}", effect)]


def text_change(section: str, name: str, before: str | None, after: str | None) -> list[Change]:
    """Says how a name changed; no change where it is the same, or known to neither."""
    if before == after:
        return []
    if before is None:
        return [Change(section, f"{name} was {NOT_KNOWN}, and is {after}")]
    if after is None:
        return [Change(section, f"{name} was {before}, and is {NOT_KNOWN}")]
    return [Change(section, f"{name} was {before}, and is {after}")]


def mapping_changes(
    section: str, noun: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> list[Change]:
    """Says what is new, what is gone, and what has another value; nothing where one is unknown."""
    if before is None or after is None:
        return []
    changes = []
    for name in sorted(after.keys() - before.keys()):
        changes.append(Change(section, f"new {noun} {_named(name, after[name])}"))
    for name in sorted(before.keys() - after.keys()):
        changes.append(Change(section, f"{noun} {_named(name, before[name])} is gone"))
    for name in sorted(before.keys() & after.keys()):
        changes += text_change(section, f"{noun} {name}", before[name] or None, after[name] or None)
    return changes


def _named(name: str, value: str) -> str:
    return f"{name} {value}" if value else name
