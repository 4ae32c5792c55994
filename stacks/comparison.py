"""Compares the definitions with what ZenML has registered; each difference can be mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import FlavorResponse, FlavorUpdate, StackResponse

from stacks.changes import OWNER, Difference, is_ours
from stacks.checking import load_flavor
from stacks.components import component_differences
from stacks.definitions import Component, Definition
from stacks.flavors import OWN_FLAVORS
from vision.errors import StackError


def compare(definitions: Sequence[Definition]) -> list[Difference]:
    """Returns every difference, in the order in which they have to be mended.

    Raises:
      StackError: a name is taken by something that this project did not register.
    """
    parts = {(part.type, part.name): part for each in definitions for part in each.parts()}
    differences = [*_flavor_differences(parts.values())]
    problems: list[str] = []
    for part in parts.values():
        try:
            differences += component_differences(part)
        except StackError as error:
            problems.append(str(error))
    if problems:
        raise StackError("\n".join(problems))
    for definition in definitions:
        differences += _stack_differences(definition)
    return differences


def find_stack(name: str) -> StackResponse | None:
    """Returns the stack that is registered under a name."""
    try:
        return Client().get_stack(name, allow_name_prefix_match=False)
    except KeyError:
        return None


def _flavor_differences(parts: Iterable[Component]) -> Iterator[Difference]:
    used = {(part.type, part.flavor) for part in parts} & set(OWN_FLAVORS)
    for type_, name in sorted(used):
        known = Client().list_flavors(type=type_, name=name, hydrate=True).items
        if difference := _flavor_difference(StackComponentType(type_), name, known):
            yield difference


def _flavor_difference(
    kind: StackComponentType, name: str, known: Sequence[FlavorResponse]
) -> Difference | None:
    label = f"{kind.value} {name}"
    request = load_flavor(kind, name).to_model(integration="custom", is_custom=True)
    # ZenML derives the source from whichever program is running; ours is the same for all.
    request.source = OWN_FLAVORS[kind.value, name]
    store = Client().zen_store
    if not known:
        return Difference(
            "flavor", label, "is not registered", "registered", lambda: store.create_flavor(request)
        )
    if (known[0].source, known[0].config_schema) == (request.source, request.config_schema):
        return None
    update = FlavorUpdate(source=request.source, config_schema=request.config_schema)
    return Difference(
        "flavor",
        label,
        "its settings or its place in the code changed",
        "updated",
        lambda: store.update_flavor(known[0].id, update),
    )


def _stack_differences(definition: Definition) -> Iterator[Difference]:
    name = definition.stack_name
    wanted = {
        StackComponentType(kind): [part.name for part in parts]
        for kind, parts in definition.components.items()
    }
    known = find_stack(name)
    if known is None:
        yield Difference(
            "stack",
            name,
            "is not registered",
            "registered",
            lambda: Client().create_stack(name, wanted, labels=dict(OWNER)),
        )
        return
    registered = {kind: [part.name for part in parts] for kind, parts in known.components.items()}
    differing = sorted(
        kind.value
        for kind in set(registered) | set(wanted)
        if registered.get(kind, []) != wanted.get(kind, [])
    )
    if differing:
        if not is_ours(known.labels):
            raise StackError(
                f"stack {name} is registered with other components and not by this project; "
                f"rename it: zenml stack rename {name} NEW_NAME"
            )
        what = ", ".join(differing)
        yield Difference(
            "stack",
            name,
            f"has other components than the file: {what}",
            f"components replaced: {what}",
            lambda: Client().update_stack(
                name, component_updates={**{kind: [] for kind in registered}, **wanted}
            ),
        )
