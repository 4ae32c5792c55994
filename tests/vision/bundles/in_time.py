"""Ends what would wait for ever, where a test shows that nothing does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_IN_TIME_S = 20


@contextmanager
def in_time() -> Iterator[None]:
    """Lets the block fail once it waits for a pipe in which nobody writes."""

    def end(*_: object) -> None:
        raise AssertionError(f"still waiting after {_IN_TIME_S} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(_IN_TIME_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
