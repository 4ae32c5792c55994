"""Stack definitions: what the YAML files beside this module say, typed.

A file has the shape of ``zenml stack export``, where every component may also carry
``environment``: variables that ZenML sets for each step. ``${VISIONSTACK_HOME}`` stands for the
project's folder for local state on this machine, see :mod:`vision.home`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from vision.home import home

HOME = "${VISIONSTACK_HOME}"

_SECRET = re.compile(r"\{\{\s*(?P<name>[^\s.]+)\.(?P<key>\S+?)\s*\}\}")

Text = Annotated[str, Field(min_length=1)]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(_Closed):
    """One stack component.

    Attributes:
      name: unique among the components of its type.
      type: ZenML's name of the type, for example ``artifact_store``.
      flavor: ZenML's name of the flavor.
      configuration: the flavor's own settings, as written.
      environment: variables for every step that runs on a stack with this component, as written.
    """

    name: Text
    type: Text
    flavor: Text
    configuration: dict[str, Any] = {}
    environment: dict[str, str] = {}

    @property
    def label(self) -> str:
        """The component as people call it: ``experiment_tracker local``."""
        return f"{self.type} {self.name}"

    @property
    def secrets(self) -> dict[str, tuple[str, ...]]:
        """The keys that the configuration needs of each ZenML secret, by the secret's name."""
        needed: dict[str, set[str]] = {}
        for _, text in texts_in(self.configuration):
            for found in _SECRET.finditer(text):
                needed.setdefault(found["name"], set()).add(found["key"])
        return {name: tuple(sorted(keys)) for name, keys in sorted(needed.items())}

    def here(self) -> Component:
        """Returns the component with ``${VISIONSTACK_HOME}`` replaced by this machine's folder."""
        return self.model_copy(
            update={
                "configuration": _with_home(self.configuration),
                "environment": _with_home(self.environment),
            }
        )


class Definition(_Closed):
    """One stack: a name and its components by type.

    Attributes:
      stack_name: what ``zenml stack set`` takes; the file is called ``<stack_name>.yaml``.
      zenml_version: the ZenML that the file was written for.
      components: the components of each type; ZenML allows several for some types.
    """

    stack_name: Text
    zenml_version: Text
    components: dict[str, tuple[Component, ...]]

    @property
    def file(self) -> str:
        """The file's name, as problems are reported."""
        return f"stacks/{self.stack_name}.yaml"

    def parts(self) -> Iterator[Component]:
        """Yields all components, in the order of the file."""
        for components in self.components.values():
            yield from components

    @property
    def secrets(self) -> dict[str, tuple[str, ...]]:
        """The keys that the stack needs of each ZenML secret, by the secret's name."""
        needed: dict[str, set[str]] = {}
        for component in self.parts():
            for name, keys in component.secrets.items():
                needed.setdefault(name, set()).update(keys)
        return {name: tuple(sorted(keys)) for name, keys in sorted(needed.items())}


def texts_in(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields the dotted key and the text of every text inside nested mappings and lists."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from texts_in(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts_in(item, f"{key}[{index}]")


def _with_home(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(HOME, str(home()))
    if isinstance(value, Mapping):
        return {name: _with_home(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_home(item) for item in value]
    return value
