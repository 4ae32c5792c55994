"""When something runs regularly: five fields as in cron, in UTC.

``minute hour day-of-month month day-of-week``; each ``*``, a number, a range ``1-5``, a list
``1,15`` or steps ``*/10`` and ``8-18/2``; months and weekdays also by name (``jan``, ``mon``), and
Sunday is 0 or 7. Where days of the month and of the week are both given, either will do, as in
cron. Short forms such as ``@daily``, seconds and years are left out: schedulers disagree on them.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    "month": {name: number for number, name in enumerate(_MONTHS, start=1)},
    "day of the week": {name: number for number, name in enumerate(_DAYS)},
}
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,3}))?")
_MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FORM = 'five fields as in cron, for example "0 3 * * 1" (Mondays at 03:00 UTC)'


def check_cron(text: str) -> str:
    """Returns ``text`` if it says when something runs.

    Raises:
      ValueError: it does not, or names a day that never comes; the message says which field.
    """
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"must have {_FORM}; it has {len(fields)}")
    _, _, days, months, _ = map(_numbers, fields, _FIELDS, _RANGES)
    is_by_month_alone = fields[4].startswith("*") and not fields[2].startswith("*")
    if is_by_month_alone and not any(min(days) <= _MOST_DAYS[month - 1] for month in months):
        raise ValueError(f"names a day that never comes: day {min(days)} of month {fields[3]}")
    return text


Cron = Annotated[str, AfterValidator(check_cron)]


def _numbers(field: str, name: str, allowed: tuple[int, int]) -> set[int]:
    """Returns the numbers that a field stands for."""
    return {number for part in field.split(",") for number in _range(part, name, allowed)}


def _range(part: str, name: str, allowed: tuple[int, int]) -> range:
    lowest, highest = allowed
    matched = _PART.fullmatch(part)
    if matched is None:
        raise ValueError(f"has {part!r} as {name}; must have {_FORM}")
    star, first, last, step = matched.groups()
    start = lowest if star else _number(first, name, allowed)
    end = _number(last, name, allowed) if last else start
    if star or (step and not last) or (end == 0 < start and name in _NAMES):
        end = highest
    if end < start:
        raise ValueError(f"has {part!r} as {name}; a range must rise")
    if step is not None and not 1 <= int(step) <= highest:
        raise ValueError(f"has {part!r} as {name}; a step must be from 1 to {highest}")
    return range(start, end + 1, int(step or 1))


def _number(text: str, name: str, allowed: tuple[int, int]) -> int:
    named = _NAMES.get(name, {}).get(text.lower())
    if named is not None:
        return named
    lowest, highest = allowed
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise ValueError(f"has {text!r} as {name}; must be from {lowest} to {highest}")
    return int(text)
