"""Progress over long passes: a bar at a terminal, a few plain lines everywhere else.

Nothing here ever stops the work that it tells about: when nobody reads any more, it goes quiet.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")

# Without a terminal: often enough to see that it goes on, rarely enough for a log.
_SECONDS_BETWEEN_LINES = 5.0


def say(text: str) -> None:
    """Prints a line on standard error, and nothing once its reader is gone (``| head``)."""
    with suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)


def track(items: Iterable[Item], total: int, doing: str, unit: str = "images") -> Iterator[Item]:
    """Yields from ``items`` while showing how far along the pass is, on standard error.

    Args:
      items: what is passed over.
      total: how many items there are.
      doing: what is being done, for example ``reading images``.
      unit: what the items are, in the plural.

    Yields:
      the items, unchanged and in order.
    """
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=doing, unit=f" {unit}", leave=False)
        return
    yield from _plain(items, total, doing, unit)


def _plain(items: Iterable[Item], total: int, doing: str, unit: str) -> Iterator[Item]:
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and done < total:
            say(f"{doing}: {done:,} of {total:,} {unit}")
            last = now
    seconds = time.monotonic() - started
    say(f"{doing}: {done:,} {unit} in {seconds:.1f} s")
