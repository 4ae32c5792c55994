"""Writes the reference of all configuration keys from the sections themselves.

``python -m vision.config.reference > docs/configuration.md`` renews the page; a test compares it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from vision.config.augmentation import Operation
from vision.config.job import JobConfig

_HEAD = """\
# Configuration

One YAML file per job. Unknown keys are refused, and all problems of a file are told at once. Keys
without a default must be given. `--set section.key=value` changes a key for one run, and
`${NAME}` in a value stands for the environment variable NAME.

This page is written by `python -m vision.config.reference`.
"""
_NOTES = {"dataset": " `pipeline: monitoring` needs no such section."}
_ATTRIBUTE = re.compile(r"^  (\w+): (.+?)(?=^  \w+: |\Z)", re.MULTILINE | re.DOTALL)


def write_reference() -> str:
    """Returns the page as Markdown."""
    root = JobConfig.model_fields
    parts = [_HEAD, f"## `pipeline`\n\nOne of {_choices(root['pipeline'].annotation)}.\n"]
    for name, field in root.items():
        section = _section_type(field.annotation)
        if isinstance(section, type) and issubclass(section, BaseModel):
            parts.append(_section(name, section))
    parts.append(_operations())
    return "\n".join(parts)


def _section(name: str, section: type[BaseModel]) -> str:
    rows = [
        f"| `{path}` | {default} | {_cell(meaning)} |"
        for path, default, meaning in _rows(section, "")
    ]
    summary = (inspect.getdoc(section) or "").split("\n")[0] + _NOTES.get(name, "")
    table = ["| key | default | meaning |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"## `{name}`", "", summary, "", *table, ""])


def _section_type(annotation: Any) -> Any:
    """Returns the section of one that need not be there."""
    return next((each for each in get_args(annotation) if each is not type(None)), annotation)


def _rows(section: type[BaseModel], above: str) -> Iterator[tuple[str, str, str]]:
    meanings = dict(_ATTRIBUTE.findall(inspect.getdoc(section) or ""))
    for name, field in section.model_fields.items():
        below = field.annotation
        if isinstance(below, type) and issubclass(below, BaseModel):
            yield from _rows(below, f"{above}{name}.")
            continue
        meaning = f"{meanings[name]} {_allowed(below)}"
        default = field.get_default(call_default_factory=True)
        yield f"{above}{name}", _default(default), meaning


def _allowed(annotation: Any) -> str:
    if get_origin(annotation) is dict and (names := _choices(get_args(annotation)[0])):
        return f"Keys: {names}."
    choices = _choices(annotation)
    return f"One of {choices}." if choices else ""


def _choices(annotation: Any) -> str:
    if get_origin(annotation) is Annotated:
        return _choices(get_args(annotation)[0])
    if get_origin(annotation) is not Literal:
        return ""
    return ", ".join(f"`{choice}`" for choice in get_args(annotation))


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, tuple):
        names = [item.name if isinstance(item, Operation) else str(item) for item in value]
        return f"`[{', '.join(names)}]`"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {json.dumps(item)}' for key, item in value.items())}}}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _operations() -> str:
    lines = [
        "## Operations of `augmentation.policy`",
        "",
        "Each entry names one operation. All but `one_of` take `probability` (default 1): the",
        "share of the images it is applied to.",
        "",
        "| operation | keys | what it does |",
        "|---|---|---|",
    ]
    for name, field in Operation.model_fields.items():
        kind = next((part for part in get_args(field.annotation) if isinstance(part, type)), None)
        if kind is None or not issubclass(kind, BaseModel):
            lines.append(f"| `{name}` | a list of operations | applies one of them, at random |")
            continue
        keys = ", ".join(f"`{key}`" for key in kind.model_fields if key != "probability")
        meaning = _SHORT.get(name) or (inspect.getdoc(kind) or "").split("\n")[0]
        lines.append(f"| `{name}` | {keys or '-'} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


_SHORT = {
    "flip_horizontal": "Mirrors left to right.",
    "flip_vertical": "Mirrors top to bottom.",
}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    print(write_reference(), end="")
