"""Checks the values of a configuration against its schema and tells every fault in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vision.config.document import KeyPath, Node, Problem, dotted, problem_with
from vision.config.job import JobConfig
from vision.config.nearest import is_close, nearest

_TYPES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes",
    "path_type": "must be a path; put it in quotes",
    "model_type": "must be a section of keys and values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list, for example [a, b]",
    "finite_number": "must be a finite number",
}
_BOUNDS = {
    "greater_than": ("must be above {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than": ("must be below {}", "lt"),
    "less_than_equal": ("must be at most {}", "le"),
    "literal_error": ("must be one of {}", "expected"),
}
# What the values of a list of fixed length are, by its key; those of every other key are a range.
_PARTS = {"input_size": ("height", "width")}
_RANGE = ("low", "high")
_QUOTED = re.compile(r"'([^']*)'")


def check_values(root: Node) -> tuple[JobConfig | None, list[Problem]]:
    """Returns the job, or None and everything that is wrong with its values."""
    job, errors = _collect(root.plain())
    problems = [_problem(root, error) for error in errors if not _is_reported(root, error)]
    # Each value that a list lacks is an error of its own, and told in the same words.
    told_once = {str(problem): problem for problem in problems}
    return (None if errors else job), list(told_once.values())


def _collect(data: object) -> tuple[JobConfig | None, list[ErrorDetails]]:
    """Validates until nothing new is found.

    Rules about several keys are only judged where each key alone is right. So values that are
    wrong are taken out and the rest is judged again; what follows from their absence is not told.
    """
    found: list[ErrorDetails] = []
    settled: set[KeyPath] = set()
    while True:
        try:
            # JSON, because strict reading there still makes tuples of lists and paths of text.
            return JobConfig.model_validate_json(json.dumps(data), strict=True), found
        except ValidationError as failed:
            new = [error for error in failed.errors() if not _follows(error, settled)]
        if not new:
            return None, found
        found += new
        for error in new:
            settled |= {error["loc"], _removable(error["loc"])}
            data = _without(data, _removable(error["loc"]))


def _follows(error: ErrorDetails, settled: set[KeyPath]) -> bool:
    """Whether an error is, or comes from, one that was found before."""
    keys = error.get("ctx", {}).get("keys", ())
    paths = [error["loc"], *((*error["loc"], *key.split(".")) for key in keys)]
    return any(path[: len(done)] == done for path in paths for done in settled)


def _removable(path: KeyPath) -> KeyPath:
    """Returns the part of a path up to the list that an item stands in: lists are taken whole."""
    ends = [i for i, key in enumerate(path) if isinstance(key, int)]
    return path[: ends[0]] if ends else path


def _without(data: object, path: KeyPath) -> object:
    if not isinstance(data, dict) or not path or path[0] not in data:
        return data
    rest = {key: value for key, value in data.items() if key != path[0]}
    return rest if len(path) == 1 else rest | {path[0]: _without(data[path[0]], path[1:])}


def _is_reported(root: Node, error: ErrorDetails) -> bool:
    return root.find(error["loc"])[0].is_unreadable


def _problem(root: Node, error: ErrorDetails) -> Problem:
    node, absent = root.find(error["loc"])
    if error["type"] == "missing" and not isinstance(absent[-1], int):
        section = dotted(node.path) or "the job"
        path = (*node.path, *absent)
        return Problem(node.place, path, f"missing; {section} needs {absent[-1]}")
    context = error.get("ctx", {})
    node = _named(node, context.get("keys", ()))
    meant = None
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        meant = nearest(error["input"], _QUOTED.findall(str(context["expected"])))
        if meant is not None and not is_close(error["input"], meant):
            meant = None  # the rule lists all choices
    if error["type"] == "secret_given":
        return Problem(node.place, node.path, _rule(error))  # what was written is not repeated
    return problem_with(node, _rule(error), meant)


def _named(section: Node, keys: Iterable[str]) -> Node:
    """Returns the first of the keys that a rule is about and that was written, else the section."""
    for key in keys:
        node, absent = section.find(tuple(key.split(".")))
        if not absent:
            return node
    return section


def _rule(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("missing", "too_long"):
        key = [str(key) for key in error["loc"] if not isinstance(key, int)][-1]
        parts = _PARTS.get(key, _RANGE)
        return f"needs {len(parts)} values, [{', '.join(parts)}]"
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _BOUNDS:
        wording, name = _BOUNDS[kind]
        return wording.format(str(context[name]).replace("'", "").replace(" or ", ", "))
    return error["msg"].removeprefix("Value error, ")
