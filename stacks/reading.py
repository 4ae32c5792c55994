"""Reads the stack definitions and reports everything that is wrong with them at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stacks.definitions import HOME, Component, Definition, texts_in
from vision.config.nearest import did_you_mean
from vision.errors import StackError

FOLDER = Path(__file__).resolve().parent

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_REQUIRED = ("orchestrator", "artifact_store")


def read_definitions(folder: Path = FOLDER) -> tuple[Definition, ...]:
    """Reads every definition of a folder, sorted by stack name.

    Raises:
      StackError: all that is wrong with all files, one line each: file, line, key, rule.
    """
    problems: list[str] = []
    definitions = [
        definition
        for path in sorted(folder.glob("*.yaml"))
        if (definition := _read(path, problems)) is not None
    ]
    if not definitions and not problems:
        problems.append(f"{folder} holds no stack definition (*.yaml)")
    problems += _conflicts(definitions)
    if problems:
        raise StackError("\n".join(problems))
    return tuple(sorted(definitions, key=lambda definition: definition.stack_name))


def _read(path: Path, problems: list[str]) -> Definition | None:
    name = f"stacks/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        definition = Definition.model_validate(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problems.append(f"{name}{line}: bad YAML: {error.problem}")
        return None
    except ValidationError as error:
        problems += [f"{name}{_line(root, e['loc'])}: {_sentence(e)}" for e in error.errors()]
        return None
    found = [f"{name}{_line(root, key)}: {rule}" for key, rule in _broken_rules(definition, path)]
    problems += found
    return None if found else definition


def _sentence(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        above = error["loc"][:-1]
        known = Component.model_fields if len(above) > 1 else Definition.model_fields
        return f"{key}: no such key; {did_you_mean(str(error['loc'][-1]), known)}"
    if error["type"] == "missing":
        return f"{key}: missing"
    return f"{key} = {error['input']!r}: {error['msg']}"


def _broken_rules(
    definition: Definition, path: Path
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yields the place and the sentence of every rule that the types do not express."""
    if definition.stack_name != path.stem:
        rule = f"stack_name = {definition.stack_name!r}: must be {path.stem!r}, as the file"
        yield ("stack_name",), rule
    for required in _REQUIRED:
        if not definition.components.get(required):
            yield ("components",), f"components: a stack needs one {required}"
    for kind, components in definition.components.items():
        for index, component in enumerate(components):
            place = ("components", kind, index)
            where = ".".join(str(part) for part in place)
            if component.type != kind:
                yield (*place, "type"), f"{where}.type = {component.type!r}: must be {kind!r}"
            for part in ("configuration", "environment"):
                for key, text in texts_in(getattr(component, part)):
                    for unknown in set(_VARIABLE.findall(text)) - {HOME}:
                        rule = f"{where}.{part}.{key} = {text!r}: only {HOME} is replaced"
                        yield (*place, part, key), f"{rule}, not {unknown}"


def _conflicts(definitions: list[Definition]) -> Iterator[str]:
    """Yields a sentence for each component that two files define differently."""
    first: dict[tuple[str, str], tuple[Component, Definition]] = {}
    for definition in definitions:
        for component in definition.parts():
            key = (component.type, component.name)
            known, other = first.setdefault(key, (component, definition))
            if known != component:
                yield (
                    f"{definition.file}: {component.label} differs from the one in {other.file}; "
                    "make them equal or rename one"
                )


def _line(root: yaml.Node | None, path: tuple[str | int, ...]) -> str:
    """Returns ``:<line>`` of the deepest part of the path that the file has."""
    line = root.start_mark.line if root else 0
    node = root
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = {key.value: (key, value) for key, value in node.value}.get(str(part))
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
    return f":{line + 1}"
