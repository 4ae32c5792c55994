"""A configuration as it was written: every value with the file and line it stands on.

A document is a tree of nodes. Problems are told in terms of it, so that a person finds the line
to mend without searching.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
Scalar = str | int | float | bool | None

OVERRIDE = "--set"
_SHOWN_CHARACTERS = 60


class Place(NamedTuple):
    """Where a value was written.

    Attributes:
      source: the file as it was named, or ``--set``.
      line: counted from 1; 0 where there are no lines.
    """

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True)
class Node:
    """A value, where it was written, and under which keys.

    Attributes:
      value: a scalar, a mapping of nodes or a list of nodes.
      place: file and line of the key (of the item, in a list).
      path: the keys that lead here, as written.
      is_unreadable: whether a problem with the value itself has been reported already.
    """

    value: Scalar | dict[str, Node] | list[Node]
    place: Place
    path: KeyPath = ()
    is_unreadable: bool = False

    def with_value(self, value: Scalar | dict[str, Node] | list[Node]) -> Node:
        """Returns the node with another value at the same place."""
        return replace(self, value=value)

    def find(self, path: KeyPath) -> tuple[Node, KeyPath]:
        """Returns the deepest node along a path, and the part of the path that it does not have."""
        if path:
            key, *rest = path
            if isinstance(self.value, dict) and key in self.value:
                return self.value[str(key)].find(tuple(rest))
            if isinstance(self.value, list) and isinstance(key, int) and key < len(self.value):
                return self.value[key].find(tuple(rest))
        return self, path

    def plain(self) -> object:
        """Returns the value without places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: where, what was found, the rule, and what was likely meant."""

    order: tuple[bool, int] = field(init=False, repr=False)
    place: Place = field(compare=False)
    path: KeyPath = field(compare=False)
    rule: str = field(compare=False)
    shown: str | None = field(default=None, compare=False)
    suggestion: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", (self.place.source == OVERRIDE, self.place.line))

    def __str__(self) -> str:
        key = dotted(self.path)
        found = key if self.shown is None else f"{key} = {self.shown}"
        meant = "" if self.suggestion is None else f"; did you mean {self.suggestion!r}?"
        return f"{self.place}: {found + ': ' if found else ''}{self.rule}{meant}"


def problem_with(node: Node, rule: str, suggestion: str | None = None) -> Problem:
    """Returns a problem with a value that is there."""
    return Problem(node.place, node.path, rule, show(node.plain()), suggestion)


def dotted(path: KeyPath) -> str:
    """Returns a path as it is typed: ``augmentation.policy[0].rotate``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def show(value: object) -> str:
    """Returns a value on one short line; text in quotes, ``nothing`` for an empty value."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
