"""How many requests each caller may send a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

# Above that many callers the one that was quiet longest is forgotten, and starts afresh.
MAX_CALLERS = 10_000


class RateLimit:
    """A bucket of tokens for each caller, filled at an even rate.

    Args:
      per_minute: tokens that a bucket holds, and gets back in a minute.
      max_callers: buckets that are kept.
      clock: seconds that only grow.
    """

    def __init__(
        self,
        per_minute: int,
        max_callers: int = MAX_CALLERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = float(per_minute)
        self._per_s = per_minute / 60
        self._max_callers = max_callers
        self._clock = clock
        # Caller -> (tokens left, when that was); the quietest first.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> float:
        """Takes a token; returns 0, or the seconds until there is one where there is none."""
        now = self._clock()
        left, then = self._buckets.pop(caller, (self._size, now))
        left = min(self._size, left + (now - then) * self._per_s)
        is_taken = left >= 1
        self._buckets[caller] = (left - is_taken, now)
        if len(self._buckets) > self._max_callers:
            self._buckets.popitem(last=False)
        return 0.0 if is_taken else (1 - left) / self._per_s
