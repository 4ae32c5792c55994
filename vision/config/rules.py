"""The rules of the configuration: conditions, minimums, and rules about several keys.

A condition is a comparison and a number, ``> 0`` or ``>= 0.05``; where it holds for a finding's
value, the pipeline stops. A minimum is a number that a metric must reach.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

from vision.validation.report import Gate

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_CONDITION = re.compile(r"^\s*(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*$")


def _is_condition(text: str) -> str:
    if not _CONDITION.match(text):
        raise ValueError('must be a comparison and a number, for example "> 0" or ">= 0.05"')
    return text


Condition = Annotated[str, AfterValidator(_is_condition)]
Minimum = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True)
class OneOf:
    """Marks text that must be one of some names."""

    names: tuple[str, ...]


def is_one_of(names: Sequence[str]) -> AfterValidator:
    """Returns a validator for text that must be one of some names, in a list of such."""

    def check(name: str) -> str:
        if name not in names:
            expected = " or ".join(map(repr, names))
            raise PydanticKnownError("literal_error", {"expected": expected})
        return name

    return AfterValidator(check)


def broken_rule(message: str, *keys: str) -> PydanticCustomError:
    """Returns the error to raise in a section when keys that are right alone are wrong together.

    Args:
      message: the rule and the next move.
      keys: the keys that the rule is about, relative to the section and dotted where they lie
        deeper (``split.test``), the one to mend first.
    """
    return PydanticCustomError("broken_rule", "{message}", {"message": message, "keys": keys})


def judge_condition(name: str, value: float | None, fail_on: str) -> Gate:
    """Judges the condition under which the pipeline stops.

    Args:
      name: the finding's name.
      value: its value; None where the finding does not occur.
      fail_on: the condition that must not hold.

    Returns:
      a gate whose rule is the opposite of ``fail_on``; a missing value counts as 0, NaN fails.
    """
    matched = _CONDITION.match(fail_on)
    if matched is None:
        raise ValueError(f"{fail_on!r} is not a condition")
    comparison, bound = matched.group(1), float(matched.group(2))
    judged = 0.0 if value is None else value
    passed = not math.isnan(judged) and not _COMPARISONS[comparison](judged, bound)
    return Gate(name=name, passed=passed, value=judged, rule=f"{_OPPOSITE[comparison]} {bound:g}")


def judge_minimum(name: str, value: float | None, minimum: float) -> Gate:
    """Judges a metric against the least value it must reach; a missing or NaN metric fails."""
    passed = value is not None and not math.isnan(value) and value >= minimum
    return Gate(name=name, passed=passed, value=value, rule=f">= {minimum:g}")
