"""Passes over many images on every core, in order, with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from vision.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

_LARGEST_CHUNK = 32
_CHUNKS_PER_CORE = 4


def n_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_images(
    work: Callable[[Item], Result], items: Sequence[Item], doing: str
) -> Iterator[Result]:
    """Yields ``work(item)`` for each item in order, computed on every core, showing progress.

    Args:
      work: called from several threads at once.
      items: what to work on.
      doing: what is being done, for the progress display.
    """
    with open_pool() as pool:
        yield from track(map_in_order(pool, work, items), len(items), doing)


def open_pool() -> ThreadPoolExecutor:
    """Returns a pool with a thread for each core that this process may use.

    Threads, not processes: decoding and hashing release the interpreter lock, and nothing has to
    be copied between processes.
    """
    return ThreadPoolExecutor(n_cores(), thread_name_prefix="images")


def map_in_order(
    pool: Executor, work: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[Result]:
    """Yields ``work(item)`` for each item in order.

    At most a few chunks are under way, so a consumer that is slower than the work does not fill
    the memory; few items make small chunks, so that they too reach every core.

    Args:
      pool: computes; what it has not begun is dropped when the caller stops early.
      work: called from several threads at once.
      items: what to work on.
    """
    n_pending = _CHUNKS_PER_CORE * n_cores()
    chunk = min(_LARGEST_CHUNK, max(1, len(items) // n_pending))

    def run(start: int) -> list[Result]:
        return [work(item) for item in items[start : start + chunk]]

    starts = iter(range(0, len(items), chunk))
    pending: deque[Future[list[Result]]] = deque(
        pool.submit(run, start) for start in islice(starts, n_pending)
    )
    try:
        while pending:
            done = pending.popleft().result()
            pending.extend(pool.submit(run, start) for start in islice(starts, 1))
            yield from done
    finally:
        for future in pending:
            future.cancel()
