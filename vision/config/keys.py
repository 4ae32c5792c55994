"""Finds the keys that the configuration does not know.

A key that was clearly mistyped is then read as the key that was meant, so that the values below it
are checked too and all problems of a file come at once. The job is refused all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vision.config.document import Node, Problem, problem_with
from vision.config.nearest import distance, is_close, nearest
from vision.config.schema import is_mapping, item_of, key_paths, keys_of

# A key that is valid in another section is suggested when it is this many edits nearer than the
# nearest key of the section at hand.
_ELSEWHERE_COST = 1.5


def match_keys(root: Node, schema: Any) -> tuple[Node, list[Problem]]:
    """Returns the configuration with known keys only, and a problem for every other key."""
    matching = _Matching(tuple(key_paths(schema)))
    return matching.node(root, schema), matching.problems


class _Matching:
    """One walk through a configuration beside its schema."""

    def __init__(self, key_paths: tuple[tuple[str, ...], ...]) -> None:
        self._key_paths = key_paths
        self.problems: list[Problem] = []

    def node(self, node: Node, schema: Any) -> Node:
        if isinstance(node.value, list):
            item = item_of(schema)
            return node.with_value([self.node(below, item) for below in node.value])
        if node.value is None and is_mapping(schema) and not node.is_unreadable:
            # ``training:`` with every line below it commented out.
            return node.with_value({})
        valid = keys_of(schema)
        if not isinstance(node.value, dict) or valid is None:
            return node
        return node.with_value(self._known(node.value, valid))

    def _known(self, found: dict[str, Node], valid: Mapping[str, Any]) -> dict[str, Node]:
        known = {key: self.node(below, valid[key]) for key, below in found.items() if key in valid}
        for key, below in found.items():
            if key in valid:
                continue
            meant = nearest(key, valid)
            self.problems.append(self._unknown(below, key, meant, valid))
            if meant and is_close(key, meant) and meant not in known:
                known[meant] = self.node(below, valid[meant])
        return known

    def _unknown(self, node: Node, key: str, meant: str | None, valid: Iterable[str]) -> Problem:
        if meant is None:
            rule = "unknown key; nothing can be set here yet"
        elif is_close(key, meant):
            rule = "unknown key"
        else:
            rule = f"unknown key, valid here: {', '.join(valid)}"
        return problem_with(node, rule, self._suggestion(key, meant))

    def _suggestion(self, key: str, meant: str | None) -> str | None:
        """Returns the nearest key of the section, or the path of a nearer one elsewhere."""
        leaf = nearest(key, (path[-1] for path in self._key_paths))
        if leaf is None or not is_close(key, leaf):
            return meant
        if meant and distance(key, meant) <= distance(key, leaf) + _ELSEWHERE_COST:
            return meant
        return ".".join(next(path for path in self._key_paths if path[-1] == leaf))
