"""Registers the stacks of this folder in ZenML, lists them, and says how the two differ.

Everything is read and checked before the first thing is registered, and nothing asks a question.
A stack whose secrets ZenML does not have yet is left out, so that it cannot hold up the others;
:func:`waiting` names the command that supplies them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from zenml.client import Client

from stacks.changes import Change
from stacks.checking import find_problems, missing_secrets, secret_commands
from stacks.comparison import compare, find_stack
from stacks.definitions import Definition
from stacks.reading import read_definitions
from stacks.server import check_server
from vision.config.nearest import did_you_mean
from vision.errors import StackError

_SERVER_WARNING = "You are configuring a stack component that is running remotely while"


def apply(names: Sequence[str] | None = None) -> list[Change]:
    """Makes ZenML's register as the definitions say; a second call finds nothing to do.

    Args:
      names: the stacks to register; None for all whose secrets are there.

    Returns:
      what was changed, in that order.

    Raises:
      StackError: something is wrong, one line for each thing; nothing was registered. Also where
        a stack that was asked for by name still needs secrets.
    """
    changes = []
    for difference in compare(_checked(names)):
        with _without_server_warning():
            difference.mend()
        changes.append(Change(difference.kind, difference.name, difference.done))
    return changes


def diff(names: Sequence[str] | None = None) -> list[Change]:
    """Returns what :func:`apply` would change, with the same rules and errors."""
    return [Change(each.kind, each.name, each.found) for each in compare(_checked(names))]


def waiting() -> list[Change]:
    """Returns the stacks that cannot be registered yet, each with the command that it waits for."""
    return [
        Change("stack", each.stack_name, _what_is_missing(each, missing))
        for each in read_definitions()
        if (missing := missing_secrets(each.secrets))
    ]


def list_stacks() -> str:
    """Returns a table of the stacks: ``*`` marks the active one."""
    check_server()
    active = Client().active_stack_model.name
    rows = [("", "stack", "registered", "components")]
    for definition in read_definitions():
        parts = ", ".join(f"{part.type}: {part.flavor}" for part in definition.parts())
        name = definition.stack_name
        rows.append(("*" if name == active else "", name, _state(definition), parts))
    if active not in [row[1] for row in rows[1:]]:
        rows.append(("*", active, "yes", "(not defined in stacks/)"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


@contextmanager
def _without_server_warning() -> Iterator[None]:
    """Drops one warning of ZenML: a remote component cannot reach a local register.

    It comes for each of a dozen components and is no news: whoever registers such a stack means to
    connect ZenML to a server before running on it, and ZenML refuses a run that lacks one.
    """
    logger = logging.getLogger("zenml.stack.utils")
    logger.addFilter(_is_other_line)
    try:
        yield
    finally:
        logger.removeFilter(_is_other_line)


def _is_other_line(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_SERVER_WARNING)


def _checked(names: Sequence[str] | None) -> list[Definition]:
    """Returns the definitions to register, after all of them were found to be right."""
    definitions = read_definitions()
    check_server()
    known = {each.stack_name: each for each in definitions}
    for name in names or ():
        if name not in known:
            raise StackError(
                f"stack {name!r} is not defined in stacks/; {did_you_mean(name, known)}"
            )
    if problems := find_problems(definitions):
        raise StackError("\n".join(problems))
    ready = []
    for definition in definitions:
        if names and definition.stack_name not in names:
            continue
        if missing := missing_secrets(definition.secrets):
            if names:
                what = _what_is_missing(definition, missing)
                raise StackError(f"stack {definition.stack_name}: {what}")
            continue
        ready.append(definition)
    return ready


def _what_is_missing(definition: Definition, missing: dict[str, tuple[str, ...]]) -> str:
    secrets = " and ".join(f"{name} ({', '.join(keys)})" for name, keys in missing.items())
    name = definition.stack_name
    return (
        f"waits for the secret {secrets}; supply it and register: {secret_commands(missing)} "
        f"&& python run.py stacks apply {name}"
    )


def _state(definition: Definition) -> str:
    if find_stack(definition.stack_name) is not None:
        return "yes"
    return "waits for secrets" if missing_secrets(definition.secrets) else "no"
