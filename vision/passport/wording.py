"""Numbers, times and names of a passport in words; what is None is not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

NOT_KNOWN = "not known"

_MB = 1_000_000
_MOST_NAMES = 12


def tell(text: str | None) -> str:
    """Returns a text; an empty one is not known either."""
    return text or NOT_KNOWN


def tell_number(value: float | None) -> str:
    """Returns a metric with four digits after the point."""
    return NOT_KNOWN if value is None else f"{value:.4f}"


def tell_interval(low: float | None, high: float | None) -> str:
    """Returns an interval: ``0.9500 to 0.9700``."""
    return NOT_KNOWN if low is None or high is None else f"{low:.4f} to {high:.4f}"


def tell_bytes(n_bytes: int | None) -> str:
    """Returns a size in MB, of small files in kB."""
    if n_bytes is None:
        return NOT_KNOWN
    return f"{n_bytes / 1_000:,.1f} kB" if n_bytes < _MB else f"{n_bytes / _MB:,.1f} MB"


def tell_time(time: datetime | None) -> str:
    """Returns a time to the minute."""
    return NOT_KNOWN if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def tell_list(names: Sequence[str]) -> str:
    """Returns the first names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {more:,} more" if more > 0 else shown
