"""Checks ``zenml.settings`` before anything is started: ZenML refuses some with a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.utils.settings_utils import get_general_settings, is_stack_component_setting_key

from vision.config.document import dotted, show
from vision.config.nearest import did_you_mean
from vision.errors import ConfigError


def check_settings(settings: Mapping[str, object]) -> None:
    """Checks the settings for the active stack.

    Those of a flavor or component that the stack does not have are left alone, so that one job can
    carry settings for several stacks; ZenML ignores them.

    Args:
      settings: ZenML's pipeline settings by their own keys.

    Raises:
      ConfigError: with a line for every setting that ZenML refuses.
    """
    if not settings:
        return
    classes = {**get_general_settings(), **Client().active_stack.setting_classes}
    problems = [
        f"zenml.settings.{rule}"
        for key, value in settings.items()
        for rule in _problems(key, value, classes)
    ]
    if problems:
        raise ConfigError(problems)


def _problems(key: str, value: object, classes: Mapping[str, type[BaseModel]]) -> Iterator[str]:
    types = [kind.value for kind in StackComponentType]
    if key not in classes and not is_stack_component_setting_key(key):
        known = did_you_mean(key, [*get_general_settings(), *types])
        yield f"{key} = {show(value)}: no such key of ZenML; {known}"
    elif not isinstance(value, Mapping):
        yield f"{key} = {show(value)}: must be a mapping of settings, for example {{name: value}}"
    elif key in types and not _has_component(key):
        yield f"{key} = {show(value)}: the stack has no {key}; remove it, or choose another stack"
    elif key in classes:
        yield from _wrong_values(key, value, classes[key])


def _wrong_values(
    key: str, value: Mapping[str, object], settings: type[BaseModel]
) -> Iterator[str]:
    try:
        settings(**value)
    except ValidationError as error:
        for found in error.errors():
            path = dotted((key, *found["loc"]))
            yield f"{path} = {show(found['input'])}: {found['msg']}"


def _has_component(kind: str) -> bool:
    return bool(Client().active_stack_model.components.get(StackComponentType(kind)))
