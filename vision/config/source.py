"""Reads the YAML of a configuration into nodes that know their lines.

The YAML is kept small on purpose: one document, no tabs, no aliases, no tags, no key twice.
Numbers are read as people mean them (``1e-3`` is a number, ``12:30`` is not), and ``${NAME}`` in
a value is replaced from the environment.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from vision.config.document import KeyPath, Node, Place, Problem, Scalar, show
from vision.config.nearest import is_close, nearest

_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None}
_WORDS |= dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(("false", "no", "off"), False)
_INTEGER = re.compile(r"[-+]?\d[\d_]{0,17}")
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|nan)")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_TEXT_TAG = "tag:yaml.org,2002:str"


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """Composes nodes and leaves every scalar as the text that was written."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


def read_file(path: Path) -> tuple[Node, list[Problem]]:
    """Reads a configuration file.

    Returns:
      the root (an empty mapping where nothing could be read) and what is wrong with the file.
    """
    start = Place(str(path), 1)
    empty = Node({}, start)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return empty, [Problem(start, (), f"not UTF-8 text (byte {error.start})")]
    except OSError as error:
        place = Place(str(path))
        return empty, [Problem(place, (), f"cannot be read: {error.strerror}", None, _other(path))]
    tabs = [
        Problem(Place(str(path), number), (), "tab in the indentation; use spaces")
        for number, line in enumerate(text.splitlines(), start=1)
        if "\t" in line[: len(line) - len(line.lstrip())]
    ]
    if tabs:
        return empty, tabs
    root, problems = read_text(text, start, ())
    if not problems and root.value is None:
        return empty, [
            Problem(start, (), "the file is empty; it needs pipeline, model and dataset")
        ]
    if not isinstance(root.value, dict):
        found = [] if problems else [Problem(start, (), "must be a mapping of sections")]
        return empty, problems + found
    return root, problems


def read_text(text: str, start: Place, path: KeyPath) -> tuple[Node, list[Problem]]:
    """Reads YAML text whose first line is at ``start`` and whose value belongs to ``path``."""
    problems: list[Problem] = []
    try:
        composed = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = start.line + mark.line if mark and start.line else start.line
        said = error.problem or error.context or "cannot be parsed"
        return Node(None, start), [Problem(Place(start.source, line), path, f"bad YAML: {said}")]
    except yaml.reader.ReaderError as error:
        return Node(None, start), [Problem(start, path, f"bad YAML: {error.reason}")]
    if composed is None:
        return Node(None, start, path), []
    return _Reading(start, problems).node(composed, composed, path), problems


class _Reading:
    """Turns composed YAML into nodes and collects what is wrong on the way."""

    def __init__(self, start: Place, problems: list[Problem]) -> None:
        self._start = start
        self._problems = problems
        self._met: set[int] = set()

    def node(self, found: yaml.Node, marked: yaml.Node, path: KeyPath) -> Node:
        place = self._place(marked)
        if id(found) in self._met:
            return self._unreadable(place, path, "aliases are not supported; write the value out")
        self._met.add(id(found))
        if isinstance(found, yaml.MappingNode):
            return Node(self._mapping(found, path), place, path)
        if isinstance(found, yaml.SequenceNode):
            items = [self.node(item, item, (*path, i)) for i, item in enumerate(found.value)]
            return Node(items, place, path)
        if found.tag != _TEXT_TAG:
            return self._unreadable(place, path, f"the tag {found.tag} is not supported")
        return self._scalar(found, place, path)

    def _mapping(self, found: yaml.MappingNode, path: KeyPath) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for key, value in found.value:
            if not isinstance(key, yaml.ScalarNode):
                self._unreadable(self._place(key), path, "a key must be a plain word")
                continue
            name = str(key.value)
            node = self.node(value, key, (*path, name))
            if name in nodes:
                first = nodes[name].place.line
                rule = f"given twice, first on line {first}; keep one"
                shown = show(node.plain())
                self._problems.append(Problem(node.place, node.path, rule, shown))
            nodes.setdefault(name, node)
        return nodes

    def _scalar(self, found: yaml.Node, place: Place, path: KeyPath) -> Node:
        text = str(found.value)
        for name in _VARIABLE.findall(text):
            if name not in os.environ:
                rule = f"the environment variable {name} is not set; export it first"
                return self._unreadable(place, path, rule, text)
        text = _VARIABLE.sub(lambda match: os.environ[match.group(1)], text)
        is_plain = isinstance(found, yaml.ScalarNode) and found.style is None
        return Node(read_scalar(text) if is_plain else text, place, path)

    def _unreadable(self, place: Place, path: KeyPath, rule: str, text: str | None = None) -> Node:
        shown = None if text is None else show(text)
        self._problems.append(Problem(place, path, rule, shown))
        return Node(text, place, path, is_unreadable=True)

    def _place(self, found: yaml.Node) -> Place:
        if not self._start.line:
            return self._start
        return Place(self._start.source, self._start.line + found.start_mark.line)


def read_scalar(text: str) -> Scalar:
    """Returns what an unquoted value means: nothing, true or false, a number, or text."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text.lower()):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _other(path: Path) -> str | None:
    """Returns the configuration file beside a missing one that has a similar name."""
    if path.exists() or not path.parent.is_dir():
        return None
    stems = {other.stem: other for other in sorted(path.parent.glob("*.yaml"))}
    name = nearest(path.stem, stems)
    return str(stems[name]) if name and is_close(path.stem, name) else None
