"""Sends queries to a service at a chosen rate, over as many connections as that needs."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Connections keep the rate as long as an answer takes no longer than this.
_SLOWEST_S = 0.2
_MOST_CONNECTIONS = 16


def n_connections(rate: float | None) -> int:
    """Returns how many connections keep a rate, in images a second; one without a rate."""
    if rate is None:
        return 1
    return max(1, min(_MOST_CONNECTIONS, math.ceil(rate * _SLOWEST_S)))


def paced(items: Iterable[Item], rate: float | None) -> Iterator[Item]:
    """Yields the items, at most ``rate`` a second; what was late is not made up for in a burst."""
    due = time.monotonic()
    for item in items:
        if rate is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due, time.monotonic() - 1.0 / rate) + 1.0 / rate
        yield item


def answered(
    ask: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> Generator[Result, None, None]:
    """Yields ``ask(item)`` for each item, in order; at most two a thread are under way or wait.

    What was not begun is dropped where the caller stops early.
    """
    if n_threads == 1:
        yield from map(ask, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix="simulate") as pool:
        try:
            for item in items:
                pending.append(pool.submit(ask, item))
                while pending and (pending[0].done() or len(pending) > 2 * n_threads):
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
