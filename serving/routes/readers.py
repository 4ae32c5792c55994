"""Threads of one kind of work's own: whatever it waits for, nothing else waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread

_Found = TypeVar("_Found")


class AllBusyError(Exception):
    """Every thread is at work; nothing was begun."""


class Readers:
    """A few threads that read something slow, such as a database; nobody queues for them.

    Args:
      number: how many work at a time, at most.
    """

    def __init__(self, number: int) -> None:
        self._free = threading.BoundedSemaphore(number)
        self._limiter = anyio.CapacityLimiter(number)

    async def run(self, read: Callable[..., _Found], *arguments: object) -> _Found:
        """Returns what ``read`` returns.

        Raises:
          AllBusyError: at once, no thread is free.
        """
        if not self._free.acquire(blocking=False):
            raise AllBusyError
        place = _Place(self._free)
        try:
            return await anyio.to_thread.run_sync(
                partial(place.work, read, *arguments), limiter=self._limiter
            )
        finally:
            # A request that is given up leaves its thread at work, which still has the place.
            if not place.is_taken:
                place.free()


class _Place:
    """One of the places, given back once: by the thread, or by who never got one."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        self._places = places
        self._once = threading.Lock()
        self.is_taken = False

    def work(self, read: Callable[..., _Found], *arguments: object) -> _Found:
        self.is_taken = True
        try:
            return read(*arguments)
        finally:
            self.free()

    def free(self) -> None:
        if self._once.acquire(blocking=False):
            self._places.release()
