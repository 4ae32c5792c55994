"""Checks definitions against ZenML before anything is registered: flavors, settings, secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import ValidationError
from zenml import __version__
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.stack.flavor import Flavor, validate_flavor_source
from zenml.stack.stack_component import StackComponentConfig

from stacks.definitions import Component, Definition
from stacks.flavors import OWN_FLAVORS
from vision.config.nearest import did_you_mean
from vision.errors import StackError


def find_problems(definitions: Sequence[Definition]) -> list[str]:
    """Returns a line for everything that would make a registration fail or be wrong.

    The values of settings are not judged where secrets are missing, since ZenML resolves them.
    """
    problems: list[str] = []
    for definition in definitions:
        problems += _version_problems(definition)
        is_waiting = bool(missing_secrets(definition.secrets))
        for component in definition.parts():
            said = _component_problems(component.here(), check_values=not is_waiting)
            problems += [f"{definition.file}: {component.label}: {rule}" for rule in said]
    return list(dict.fromkeys(problems))


def missing_secrets(needed: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Returns the keys that ZenML does not have, by secret; empty where all are there."""
    missing = {}
    for name, keys in needed.items():
        try:
            known = Client().get_secret_by_name_and_private_status(name).values
        except KeyError:
            known = {}
        if absent := tuple(key for key in keys if key not in known):
            missing[name] = absent
    return missing


def secret_commands(missing: dict[str, tuple[str, ...]]) -> str:
    """Returns the shell commands that supply the missing secrets."""
    commands = []
    for name, keys in missing.items():
        verb = "update" if _has_secret(name) else "create"
        values = " ".join(f"--{key}=..." for key in keys)
        commands.append(f"zenml secret {verb} {name} {values}")
    return " && ".join(commands)


def load_flavor(kind: StackComponentType, name: str) -> Flavor:
    """Returns a flavor by component type and name, whether it is registered or our own.

    Raises:
      StackError: no such flavor, or its code cannot be imported.
    """
    own = OWN_FLAVORS.get((kind.value, name))
    try:
        if own is not None:
            return validate_flavor_source(own, kind)[1]
        return Flavor.from_model(Client().get_flavor_by_name_and_type(name, kind))
    except KeyError as error:
        known = {flavor.name for flavor in Client().list_flavors(type=kind.value, size=1000)}
        known |= {flavor for type_, flavor in OWN_FLAVORS if type_ == kind.value}
        raise StackError(
            f"flavor {name!r} is unknown; {did_you_mean(name, sorted(known))}"
        ) from error
    except (ImportError, ValueError, TypeError) as error:
        raise StackError(f"flavor {name!r} cannot be loaded: {error}") from error


def _version_problems(definition: Definition) -> Iterable[str]:
    written, installed = definition.zenml_version, __version__
    if written.split(".")[:2] != installed.split(".")[:2]:
        yield (
            f"{definition.file}: zenml_version = {written!r}, but ZenML {installed} is installed; "
            "check the file against that version and change the line"
        )


def _component_problems(component: Component, check_values: bool) -> Iterable[str]:
    types = [kind.value for kind in StackComponentType]
    if component.type not in types:
        yield f"no such component type; {did_you_mean(component.type, types)}"
        return
    try:
        settings = load_flavor(StackComponentType(component.type), component.flavor).config_class
    except StackError as error:
        yield str(error)
        return
    unknown = sorted(set(component.configuration) - set(settings.model_fields))
    for key in unknown:
        yield f"configuration.{key}: no such setting; {did_you_mean(key, settings.model_fields)}"
    if check_values and not unknown:
        yield from _value_problems(component, settings)


def _value_problems(component: Component, settings: type[StackComponentConfig]) -> Iterable[str]:
    try:
        is_valid = settings(**component.configuration).is_valid
    except ValidationError as error:
        for found in error.errors():
            key = ".".join(str(part) for part in ("configuration", *found["loc"]))
            yield f"{key}: {found['msg']}"
    except ValueError as error:
        yield f"configuration: {error}"
    else:
        if not is_valid:
            yield f"configuration: flavor {component.flavor!r} refuses this combination of settings"


def _has_secret(name: str) -> bool:
    return bool(Client().list_secrets(name=f"equals:{name}").total)
