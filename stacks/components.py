"""Compares one stack component with what ZenML has registered under its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import ComponentResponse

from stacks.changes import OWNER, Difference, is_ours
from stacks.checking import load_flavor
from stacks.definitions import HOME, Component, texts_in
from vision.errors import StackError
from vision.home import home


def component_differences(part: Component) -> list[Difference]:
    """Returns nothing where the component is registered as written, else one difference.

    Raises:
      StackError: the name is taken by something that this project did not register.
    """
    here = part.here()
    kind = StackComponentType(part.type)
    known = _find(part)
    if known is None:
        return [
            Difference(
                "component",
                part.label,
                "is not registered",
                "registered",
                lambda: Client().create_stack_component(
                    part.name,
                    part.flavor,
                    kind,
                    here.configuration,
                    labels=dict(OWNER),
                    environment=here.environment,
                ),
            )
        ]
    details = _details(part, known)
    if not details:
        return []
    _refuse_foreign(part, known)
    configuration = _replacing(known.configuration, here.configuration)
    environment = _replacing(known.environment, here.environment)
    return [
        Difference(
            "component",
            part.label,
            "; ".join(found for found, _ in details),
            "; ".join(done for _, done in details),
            lambda: Client().update_stack_component(
                part.name,
                kind,
                configuration=configuration,
                environment=environment,
                labels=dict(OWNER),
            ),
        )
    ]


def other_clone(part: Component) -> str | None:
    """Returns the folder that a registered component keeps its state in, where it is not ours."""
    known = _find(part)
    if known is None:
        return None
    pairs = ((part.configuration, known.configuration), (part.environment, known.environment))
    return next((other for pair in pairs if (other := _other_home(*pair))), None)


def _find(part: Component) -> ComponentResponse | None:
    try:
        return Client().get_stack_component(
            StackComponentType(part.type), part.name, allow_name_prefix_match=False
        )
    except KeyError:
        return None


def _details(part: Component, known: ComponentResponse) -> list[tuple[str, str]]:
    """Returns, for each key that differs, what was found and what mending it does."""
    here = part.here()
    if known.flavor_name != part.flavor:
        return [(f"flavor is {known.flavor_name!r}, the file says {part.flavor!r}", "")]
    wanted = _stored(part, here.configuration)
    pairs = (
        ("configuration", known.configuration, wanted, part.configuration),
        ("environment", known.environment, here.environment, part.environment),
    )
    details = []
    for section, old, new, written in pairs:
        for key in sorted(set(old) | set(new)):
            if old.get(key) == new.get(key):
                continue
            if other := _other_home(written.get(key), old.get(key)):
                details.append(
                    (
                        f"points into another clone: {other}",
                        f"moved here from another clone: {other}",
                    )
                )
            else:
                details.append(_changed(f"{section}.{key}", old.get(key), new.get(key)))
    return list(dict.fromkeys(details))


def _stored(part: Component, configuration: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings in the form in which ZenML keeps them."""
    settings = load_flavor(StackComponentType(part.type), part.flavor).config_class
    stored: dict[str, Any] = settings(**configuration).model_dump(mode="json", exclude_unset=True)
    return stored


def _other_home(written: Any, registered: Any) -> str | None:
    """Returns the folder that a registered value names where the file has the project's own."""
    old = dict(texts_in(registered))
    for key, text in texts_in(written):
        before, placeholder, after = text.partition(HOME)
        found = re.fullmatch(re.escape(before) + "(.+)" + re.escape(after), old.get(key, ""))
        if placeholder and found and found[1] != str(home()):
            return found[1]
    return None


def _changed(key: str, old: Any, new: Any) -> tuple[str, str]:
    if old is None:
        return f"{key} is missing", f"{key} added"
    if new is None:
        return f"{key} is not in the file", f"{key} removed"
    if any("{{" in text for _, text in texts_in(new)):
        # What is registered may be a password in clear text.
        return f"{key} is not what the file says", f"{key} updated"
    return f"{key} is {old!r}, the file says {new!r}", f"{key} set to {new!r}"


def _refuse_foreign(part: Component, known: ComponentResponse) -> None:
    """Raises StackError where a component cannot, or must not, be updated in place."""
    if not is_ours(known.labels):
        rule = "is registered with other settings and not by this project"
    elif known.flavor_name != part.flavor:
        rule = f"is registered with flavor {known.flavor_name!r}, which cannot be changed"
    else:
        return
    raise StackError(
        f"{part.label} {rule}; rename it (zenml {part.type.replace('_', '-')} rename "
        f"{part.name} NEW_NAME) or give the one in stacks/*.yaml another name"
    )


def _replacing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an update for ZenML, which merges: what must go is set to None."""
    return {**dict.fromkeys(old), **new}
