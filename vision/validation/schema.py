"""What every row of the image-property table must be: a type and a range for each column.

The ranges are those that :mod:`vision.properties` promises; a data validator's configuration may
set narrower ones. Missing values are another check's business (``missing_properties``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from vision.validation.measured import Reading

Ranges = Mapping[str, tuple[float, float]]
Kind = Literal["number", "whole number", "flag", "hash", "text"]

# Sums of 32-bit pixels land this close beyond a bound that they reach exactly.
_ROUNDING = 1e-9
_HASH = r"[0-9a-f]{16}"


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
      kind: a finite number, a whole number, true or false, 64 bits as 16 hexadecimal digits, or
        text that is not empty.
      low: the smallest number allowed.
      high: the largest number allowed.
    """

    kind: Kind
    low: float = -math.inf
    high: float = math.inf

    @property
    def rule(self) -> str:
        """The column in words: ``number from 0 to 1``."""
        if math.isinf(self.low):
            return self.kind
        top = "" if math.isinf(self.high) else f" to {self.high:g}"
        return f"{self.kind} from {self.low:g}{top}" if top else f"{self.kind} >= {self.low:g}"


_UNIT = Column("number", 0.0, 1.0)
# Of values from 0 to 1: half of them 0 and half of them 1.
_DEVIATION = Column("number", 0.0, 0.5)
DECLARED: Mapping[str, Column] = {
    "path": Column("text"),
    "label": Column("text"),
    "split": Column("text"),
    "brightness": _UNIT,
    "contrast": _DEVIATION,
    "sharpness": Column("number", 0.0),
    "saturation": _UNIT,
    "red_mean": _UNIT,
    "green_mean": _UNIT,
    "blue_mean": _UNIT,
    "red_deviation": _DEVIATION,
    "green_deviation": _DEVIATION,
    "blue_deviation": _DEVIATION,
    "aspect": Column("number", 0.0),
    "area_px": Column("whole number", 1.0),
    "n_bytes": Column("whole number", 1.0),
    "entropy": Column("number", 0.0, 8.0),
    "is_near_constant": Column("flag"),
    "perceptual_hash": Column("hash"),
    "mirrored_hash": Column("hash"),
}
MEASURED: tuple[str, ...] = tuple(
    name for name, column in DECLARED.items() if column.kind in ("number", "whole number")
)


def check_ranges(ranges: Ranges) -> None:
    """Checks the ranges of a data validator's configuration.

    Raises:
      ValueError: a name is no measured property, or a range is empty or no range.
    """
    for name, (low, high) in ranges.items():
        if name not in MEASURED:
            raise ValueError(
                f"ranges.{name}: there is no such property; known: {', '.join(MEASURED)}"
            )
        if not low <= high:
            raise ValueError(f"ranges.{name}: {low:g} to {high:g} is empty; write [LOW, HIGH]")


def with_ranges(ranges: Ranges) -> dict[str, Column]:
    """Returns the declared columns with narrower ranges where a configuration has some."""
    return {
        name: Column(column.kind, *ranges[name]) if name in ranges else column
        for name, column in DECLARED.items()
    }


def broken_columns(properties: pd.DataFrame, ranges: Ranges) -> dict[str, pd.Series]:
    """Returns, for each column that breaks its rule, which rows do.

    A column that is missing, or whose type is wrong as a whole, is broken in every row.
    """
    broken = {}
    for name, column in with_ranges(ranges).items():
        rows = _broken_rows(properties, name, column)
        if rows.any():
            broken[name] = rows
    return broken


def read_schema(properties: pd.DataFrame, ranges: Ranges) -> Reading:
    """Reads which images have a value that is not what its column declares.

    Args:
      properties: one row per image.
      ranges: property to its smallest and largest value, instead of the declared ones.

    Returns:
      value: how many images; each is listed with the values that are wrong.
    """
    broken = broken_columns(properties, ranges)
    if not broken:
        return Reading(0.0, "every value has its declared type and range")
    any_broken = np.logical_or.reduce([rows.to_numpy() for rows in broken.values()])
    rows = properties[any_broken]
    declared = with_ranges(ranges)
    clauses = [
        f"{name} is no {declared[name].rule} in {int(broken[name].sum()):,}"
        if name in properties
        else f"there is no column {name}"
        for name in broken
    ]
    noun = "image" if len(rows) == 1 else "images"
    return Reading(
        float(len(rows)),
        f"{len(rows):,} {noun} with values that the schema does not allow: {'; '.join(clauses)}",
        tuple(rows["path"].astype(str)) if "path" in rows else (),
        _notes(rows, broken) if "path" in rows else (),
    )


def _notes(rows: pd.DataFrame, broken: Mapping[str, pd.Series]) -> tuple[str, ...]:
    notes = pd.Series("", index=rows.index)
    for name, is_broken in broken.items():
        here = is_broken[rows.index]
        said = (
            rows.loc[here, name].map(lambda value, name=name: f"{name} {_shown(value)}")
            if name in rows
            else pd.Series(f"no {name}", index=rows.index[here.to_numpy()])
        )
        notes.loc[said.index] += ", " + said
    return tuple(notes.str.removeprefix(", "))


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)[:40]


def _broken_rows(properties: pd.DataFrame, name: str, column: Column) -> pd.Series:
    if name not in properties:
        return pd.Series(True, index=properties.index)
    values = properties[name]
    if column.kind in ("number", "whole number"):
        return _broken_numbers(values, column)
    if column.kind == "flag":
        return pd.Series(not pd.api.types.is_bool_dtype(values), index=values.index)
    is_text = values.map(lambda value: isinstance(value, str))
    text = values.where(is_text, "").astype(str)
    return ~(text.str.fullmatch(_HASH) if column.kind == "hash" else text != "")


def _broken_numbers(values: pd.Series, column: Column) -> pd.Series:
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not is_number:
        return pd.Series(True, index=values.index)
    numbers = values.astype(float)
    low, high = column.low - _ROUNDING, column.high + _ROUNDING
    broken = (numbers < low) | (numbers > high) | np.isinf(numbers)
    if column.kind == "whole number":
        broken |= numbers % 1 != 0
    return broken & numbers.notna()
