"""Passes over many images on every core, in order, with bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from vision.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 32


def n_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_images(
    work: Callable[[Item], Result], items: Sequence[Item], doing: str
) -> Iterator[Result]:
    """Yields ``work(item)`` for each item in order, computed on every core, showing progress.

    Threads, not processes: decoding and hashing release the interpreter lock, and nothing has to
    be copied between processes. At most a few chunks are under way, so a consumer that is slower
    than the work does not fill the memory.

    Args:
      work: called from several threads at once.
      items: what to work on.
      doing: what is being done, for the progress display.
    """
    yield from track(_map(work, items), len(items), doing)


def _map(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    def run(start: int) -> list[Result]:
        return [work(item) for item in items[start : start + _CHUNK]]

    starts = iter(range(0, len(items), _CHUNK))
    with ThreadPoolExecutor(n_cores()) as pool:
        pending: deque[Future[list[Result]]] = deque(
            pool.submit(run, start) for start in islice(starts, 4 * n_cores())
        )
        while pending:
            done = pending.popleft().result()
            pending.extend(pool.submit(run, start) for start in islice(starts, 1))
            yield from done
