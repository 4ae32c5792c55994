"""Lays ``--set key.path=value`` over a configuration that was read."""

from __future__ import annotations

from collections.abc import Sequence

from vision.config.document import OVERRIDE, KeyPath, Node, Place, Problem, dotted, show
from vision.config.source import read_text

_PLACE = Place(OVERRIDE)
_FORM = "must be KEY.PATH=VALUE, for example training.epochs=5"
# Text that begins so was meant as YAML, and is told what is wrong with it.
_MEANT_AS_YAML = ("{", "[", "'", '"')


def apply_overrides(root: Node, overrides: Sequence[str]) -> tuple[Node, list[Problem]]:
    """Returns the root with every override in place, and the overrides that could not be used.

    Values are read as YAML, or as plain text where they are none (``> 0``). Sections that are not
    there yet are made; later overrides win.
    """
    problems: list[Problem] = []
    for override in overrides:
        name, separator, text = override.partition("=")
        path = tuple(name.strip().split("."))
        if not separator or not all(path):
            problems.append(Problem(_PLACE, (), f"{show(override)} {_FORM}"))
            continue
        value, unreadable = _read(text, path)
        problems += unreadable
        blocked = _blocked_at(root, path)
        if blocked is not None:
            rule = f"{dotted(blocked.path)} is {show(blocked.plain())} and has no keys below it"
            problems.append(Problem(_PLACE, path, rule, show(value.plain())))
        elif not unreadable or value.path == path:
            root = _placed(root, path, value)
    return root, problems


def _read(text: str, path: KeyPath) -> tuple[Node, list[Problem]]:
    value, problems = read_text(text, _PLACE, path)
    is_yaml = value.path == path
    if is_yaml or text.lstrip().startswith(_MEANT_AS_YAML):
        return value, problems
    quoted = text.replace("'", "''")
    return read_text(f"'{quoted}'", _PLACE, path)


def _blocked_at(root: Node, path: KeyPath) -> Node | None:
    """Returns the node on the way that is no mapping, so that nothing can be set below it."""
    for length in range(1, len(path)):
        node, missing = root.find(path[:length])
        if missing:
            return None
        if not isinstance(node.value, dict) and node.value is not None:
            return node
    return None


def _placed(node: Node, path: KeyPath, value: Node) -> Node:
    if not path:
        return value
    key, rest = str(path[0]), path[1:]
    below = node.value if isinstance(node.value, dict) else {}
    inner = below.get(key) or Node({}, _PLACE, (*node.path, key))
    return node.with_value(below | {key: _placed(inner, rest, value)})
