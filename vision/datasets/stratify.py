"""Splits that keep groups whole and spread every class, for one or several classes per image.

Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of
multi-label data", section 3), with whole units in place of single examples: a unit is everything
that is connected by equal content or by an equal group.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class _Unit:
    """What must stay together.

    Attributes:
      contents: sha256 of its distinct images, sorted.
      counts: class name to how many of ``contents`` show it.
      rank: salted hash of its contents: an order that nobody chose.
    """

    contents: Sequence[str]
    counts: Mapping[str, int]
    rank: bytes


def split_units(
    contents: Sequence[str],
    classes: Mapping[str, Collection[str]],
    groups: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, str]:
    """Assigns each content to ``train`` or to a held-out split; units are never divided.

    The class with the fewest images left comes first; its units go, largest first, each to the
    split that lacks most images of that class. A class whose units hold no other class then misses
    its share in no split by more than its largest unit. Every class keeps a unit in ``train``.

    Args:
      contents: sha256 of each image.
      classes: content to the names of its classes.
      groups: of each image, in the order of ``contents``; empty for an image on its own.
      shares: held-out split to its share of each class.
      seed: another seed breaks ties between equal units differently.

    Returns:
      content to split.
    """
    units = _units(contents, classes, groups, seed)
    held_out = {split: _Lack(share, units) for split, share in shares.items() if share > 0}
    lack = {"train": _Lack(1.0 - sum(shares.values()), units), **held_out}
    split_of: dict[str, str] = {}
    left: Counter[str] = Counter()
    by_class: dict[str, list[_Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: (-len(unit.contents), unit.rank)):
        left.update(unit.counts)
        for name in unit.counts or ("",):
            by_class[name].append(unit)
    for name in sorted(filter(None, by_class), key=lambda name: (left[name], name)):
        if lack["train"].n_given[name] == 0:
            # The smallest, so that the shares suffer least.
            _give(by_class[name][-1], "train", lack, split_of, left)
    while by_class:
        name = min(by_class, key=lambda name: (name == "", left[name], name))
        for unit in by_class.pop(name):
            if unit.contents[0] not in split_of:
                split = max(lack, key=lambda split: lack[split].of(name))
                _give(unit, split, lack, split_of, left)
    return split_of


class _Lack:
    """How many images a split is still to get, by class and overall."""

    def __init__(self, share: float, units: Iterable[_Unit]) -> None:
        self.n_given: Counter[str] = Counter()
        self._share = share
        self._n_all: Counter[str] = Counter()
        for unit in units:
            self._n_all.update(_with_total(unit))

    def of(self, name: str) -> tuple[float, float]:
        """Returns what it lacks of a class ("" for none), then of all images."""
        return self._missing(name), self._missing("")

    def give(self, unit: _Unit) -> None:
        self.n_given.update(_with_total(unit))

    def _missing(self, name: str) -> float:
        return self._n_all[name] * self._share - self.n_given[name]


def _with_total(unit: _Unit) -> dict[str, int]:
    # No class is called "": it stands for the number of images.
    return {**unit.counts, "": len(unit.contents)}


def _give(
    unit: _Unit, split: str, lack: Mapping[str, _Lack], split_of: dict[str, str], left: Counter[str]
) -> None:
    lack[split].give(unit)
    left.subtract(unit.counts)
    split_of.update(dict.fromkeys(unit.contents, split))


def _units(
    contents: Sequence[str],
    classes: Mapping[str, Collection[str]],
    groups: Sequence[str],
    seed: int,
) -> list[_Unit]:
    """Returns the connected components of equal content and equal group."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def top(node: tuple[str, str]) -> tuple[str, str]:
        while (above := parent.setdefault(node, node)) != node:
            # Halves the way for the next visitor.
            parent[node] = node = parent.setdefault(above, above)
        return node

    for content, group in zip(contents, groups, strict=True):
        node = top(("content", content))
        if group:
            parent[node] = top(("group", group))
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for content in classes:
        members[top(("content", content))].append(content)
    units = []
    for together in members.values():
        counts = Counter(name for content in together for name in classes[content])
        together.sort()
        salted = hashlib.sha256(f"{seed}/{together[0]}".encode()).digest()
        units.append(_Unit(together, counts, salted))
    return units
