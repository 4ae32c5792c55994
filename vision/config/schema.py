"""Which keys the configuration knows, read from the types of its sections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from vision.config.rules import OneOf


def keys_of(schema: Any) -> Mapping[str, Any] | None:
    """Returns the valid keys below a value of this type, each with the type of its own value.

    Args:
      schema: a type as it stands in a section: a section, a dict, or anything else.

    Returns:
      None where any key is allowed, or where the value is no mapping at all.
    """
    schema = _bare(schema)
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return {name: field.annotation for name, field in schema.model_fields.items()}
    if get_origin(schema) is dict:
        key, value = get_args(schema)
        names = _names(key)
        return None if names is None else dict.fromkeys(names, value)
    return None


def is_mapping(schema: Any) -> bool:
    """Whether a value of this type has keys, fixed or free."""
    return keys_of(schema) is not None or get_origin(_bare(schema)) is dict


def item_of(schema: Any) -> Any | None:
    """Returns the type of the items of a list of any length; None for anything else."""
    schema = _bare(schema)
    if get_origin(schema) is tuple and get_args(schema)[1:] == (...,):
        return get_args(schema)[0]
    return None


def key_paths(schema: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yields the path of every fixed key, sections before what they hold; lists are not entered."""
    for key, below in (keys_of(schema) or {}).items():
        yield (*above, key)
        yield from key_paths(below, (*above, key))


def _names(key: Any) -> Iterable[str] | None:
    """Returns the keys that a dict may have; None where they are the user's own."""
    if get_origin(key) is Literal:
        return get_args(key)
    marks = get_args(key)[1:] if get_origin(key) is Annotated else ()
    return next((mark.names for mark in marks if isinstance(mark, OneOf)), None)


def _bare(schema: Any) -> Any:
    """Takes away ``Annotated`` and ``| None``."""
    if get_origin(schema) is Annotated:
        return _bare(get_args(schema)[0])
    if get_origin(schema) in (Union, UnionType):
        others = [choice for choice in get_args(schema) if choice is not type(None)]
        return _bare(others[0]) if len(others) == 1 else schema
    return schema
