"""Dataclasses of numbers as JSON and raw arrays, without pickle; read back by their type hints.

Understood are dataclasses, tuples of any length, mappings, ``X | None``, NumPy arrays of numbers
and times, data frames of numbers, dates, times and what JSON knows. NaN outside of arrays is null.
An array is ``[offset, dtype, shape]`` in one file of bytes, little-endian.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd

_KINDS = "biufM"
_PLAIN = (bool, int, str)


class Packing:
    """Takes values apart; :attr:`data` has the bytes of their arrays in the end."""

    def __init__(self) -> None:
        self.data = bytearray()

    def pack(self, value: Any) -> Any:
        """Returns a value as JSON values.

        Raises:
          TypeError: it, or something in it, is of another type than those above.
        """
        if value is None or isinstance(value, _PLAIN):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, date):  # a datetime is one
            return value.isoformat()
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, pd.DataFrame):
            return {str(name): self._array(value[name].to_numpy()) for name in value.columns}
        if is_dataclass(value) and not isinstance(value, type):
            return {each.name: self.pack(getattr(value, each.name)) for each in fields(value)}
        if isinstance(value, Mapping):
            return [[self.pack(key), self.pack(item)] for key, item in value.items()]
        if isinstance(value, tuple):
            return [self.pack(item) for item in value]
        raise TypeError(f"{type(value).__name__} cannot be packed")

    def _array(self, array: np.ndarray[Any, Any]) -> list[Any]:
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"an array of {array.dtype} cannot be packed")
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        offset = len(self.data)
        self.data += little.tobytes()
        return [offset, little.dtype.str, list(array.shape)]


class Unpacking:
    """Puts values together again.

    Args:
      data: the bytes of the arrays.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data

    def unpack(self, kind: Any, value: Any) -> Any:
        """Returns the value of a type that :meth:`Packing.pack` took apart.

        Raises:
          KeyError, TypeError, ValueError: it is something else.
        """
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            if value is None:
                return None
            [kind] = [each for each in inner if each is not type(None)]
            return self.unpack(kind, value)
        if origin is tuple:
            return tuple(self.unpack(inner[0], item) for item in value)
        if origin in (dict, Mapping):
            return {self.unpack(inner[0], key): self.unpack(inner[1], item) for key, item in value}
        if origin is np.ndarray:
            return self._array(value)
        if kind is pd.DataFrame:
            return pd.DataFrame({name: self._array(column) for name, column in value.items()})
        if is_dataclass(kind):
            return self._dataclass(kind, value)
        if kind in (date, datetime):
            return kind.fromisoformat(value)
        if kind is float:
            return math.nan if value is None else float(value)
        return value

    def _dataclass(self, kind: Any, value: dict[str, Any]) -> Any:
        hints = get_type_hints(kind)
        return kind(**{name: self.unpack(hints[name], item) for name, item in value.items()})

    def _array(self, place: list[Any]) -> np.ndarray[Any, Any]:
        offset, name, shape = place
        dtype = np.dtype(name)
        if dtype.kind not in _KINDS:
            raise ValueError(f"an array of {dtype} is not read")
        found = np.frombuffer(self._data, dtype, math.prod(shape), offset)
        return found.reshape(shape).copy()
