"""Holds out whole units by a threshold on a salted hash, so that units that stay do not move.

A unit is everything that is connected by equal content or by an equal group. Its hash is a number
from 0 to 1, and each held-out split is a part of that line as long as its share; the rest is
``train``. Neither other units nor the size of the dataset move it, so shares are met on average: of
n units a split gets share * n, give or take sqrt(share * (1 - share) * n). Only small classes are
corrected, see :func:`split_units`.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

TRAIN = "train"
# A split's part of the line from 0 to 1: from the first number up to, but not with, the second.
_Part = tuple[float, float]
_Node = tuple[str, str]


@dataclass(frozen=True)
class _Unit:
    """What must stay together.

    Attributes:
      contents: sha256 of its distinct images.
      classes: the names of their classes.
      place: where its salted hash lies on the line from 0 to 1: a place that nobody chose.
    """

    contents: Sequence[str]
    classes: frozenset[str]
    place: float

    def distance(self, part: _Part) -> float:
        """Returns how far its place is from a part of the line."""
        start, end = part
        return max(start - self.place, self.place - end, 0.0)


def split_units(
    contents: Sequence[str],
    classes: Mapping[str, Collection[str]],
    groups: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, str]:
    """Assigns each content to ``train`` or to a held-out split; units are never divided.

    Every class keeps a unit in ``train``, and one that has a unit for each split is in each of
    them: where the hashes give it none, it gets the unit that is nearest to the split's part of the
    line, unless another class would lose its last one. As classes grow, such a unit goes back.

    Args:
      contents: sha256 of each image.
      classes: content to the names of its classes.
      groups: of each image, in the order of ``contents``; empty for an image on its own.
      shares: held-out split to its share of the units.
      seed: another seed holds out other units.

    Returns:
      content to split.
    """
    parts = _parts(shares)
    units = _units(contents, classes, groups, seed)
    split_of = [_split_at(unit.place, parts) for unit in units]
    _correct(units, split_of, parts)
    return {
        content: split
        for unit, split in zip(units, split_of, strict=True)
        for content in unit.contents
    }


def _parts(shares: Mapping[str, float]) -> dict[str, _Part]:
    """Returns the part of each split; by name, so that another one's share moves ``test`` never."""
    parts: dict[str, _Part] = {}
    start = 0.0
    for split in sorted(shares):
        if shares[split] > 0:
            parts[split] = (start, start + shares[split])
            start += shares[split]
    return {**parts, TRAIN: (start, 1.0)}


def _split_at(place: float, parts: Mapping[str, _Part]) -> str:
    return next((split for split, (_, end) in parts.items() if place < end), TRAIN)


def _correct(units: Sequence[_Unit], split_of: list[str], parts: Mapping[str, _Part]) -> None:
    """Moves what must move for each class to be learnt and, where it is large enough, scored."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for name in unit.classes:
            members[name].append(number)
    counts = Counter(
        (name, split_of[number]) for name, numbers in members.items() for number in numbers
    )
    # Classes with few units first: they have the least choice.
    names = sorted(members, key=lambda name: (len(members[name]), name))
    for split in (TRAIN, *(split for split in parts if split != TRAIN)):
        for name in names:
            is_due = split == TRAIN or len(members[name]) >= len(parts)
            if not is_due or counts[name, split]:
                continue
            free = [n for n in members[name] if _may_leave(units[n], split_of[n], split, counts)]
            if free:
                nearest = min(free, key=lambda n: (units[n].distance(parts[split]), units[n].place))
                _move(units[nearest], split_of[nearest], split, counts)
                split_of[nearest] = split


def _may_leave(unit: _Unit, split: str, target: str, counts: Mapping[tuple[str, str], int]) -> bool:
    """Whether no class of the unit loses its last one in a split; ``train`` may have any."""
    return target == TRAIN or all(counts[name, split] > 1 for name in unit.classes)


def _move(unit: _Unit, source: str, target: str, counts: Counter[tuple[str, str]]) -> None:
    for name in unit.classes:
        counts[name, source] -= 1
        counts[name, target] += 1


def _units(
    contents: Sequence[str],
    classes: Mapping[str, Collection[str]],
    groups: Sequence[str],
    seed: int,
) -> list[_Unit]:
    """Returns the units, each placed by the first of its groups, or else by its content."""
    return [
        _Unit(together, frozenset(name for c in together for name in classes[c]), _place(seed, key))
        for key, together in _connected(contents, groups)
    ]


def _place(seed: int, key: str) -> float:
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    # 53 bits are what a float holds exactly, so that the place stays below 1.
    return (int.from_bytes(digest[:8]) >> 11) / 2**53


def _connected(contents: Sequence[str], groups: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields (key, contents) of what is connected by equal content or equal group."""
    parent: dict[_Node, _Node] = {}

    def top(node: _Node) -> _Node:
        while (above := parent.setdefault(node, node)) != node:
            # Halves the way for the next visitor.
            parent[node] = node = parent.setdefault(above, above)
        return node

    alone = dict.fromkeys(contents)
    for content, group in zip(contents, groups, strict=True):
        if group:
            alone.pop(content, None)
            parent[top(("content", content))] = top(("group", group))
    for content in alone:
        yield content, [content]
    together: dict[_Node, list[str]] = defaultdict(list)
    names: dict[_Node, list[str]] = defaultdict(list)
    for kind, name in list(parent):
        (together if kind == "content" else names)[top((kind, name))].append(name)
    for node, members in together.items():
        yield f"group {min(names[node])}", members
