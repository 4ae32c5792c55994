"""The waiting room of a worker: how many requests, and how many bytes of bodies, it holds.

A request takes its place once its body has come in and gives it back when its answer begins, so
that neither slow senders nor slow readers keep others out. What slow senders do take is memory;
that is counted in bytes.
"""

from __future__ import annotations

from serving.problems import TOO_MANY, ProblemError

_RETRY = {"Retry-After": "1"}


class WaitingRoom:
    """Counts; used from one event loop only.

    Args:
      max_waiting: requests that may be worked on or wait for it.
      max_bytes: of request bodies held at a time.
    """

    def __init__(self, max_waiting: int, max_bytes: int) -> None:
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self.n_waiting = 0
        self.n_bytes = 0

    def check(self) -> None:
        """Looks for a free place.

        Raises:
          ProblemError: 429, there is none.
        """
        if self.n_waiting >= self._max_waiting:
            raise ProblemError(
                TOO_MANY,
                f"{self._max_waiting} requests are waiting, as many as may; "
                "send this one again in a second.",
                _RETRY,
            )

    def enter(self) -> None:
        """Takes a place.

        Raises:
          ProblemError: 429, there is none.
        """
        self.check()
        self.n_waiting += 1

    def leave(self) -> None:
        """Gives a place back."""
        self.n_waiting -= 1

    def hold(self, n_bytes: int) -> None:
        """Counts bytes of a body that are held from now on.

        Raises:
          ProblemError: 429, too many are held; these are not counted.
        """
        if self.n_bytes + n_bytes > self._max_bytes:
            raise ProblemError(
                TOO_MANY, "Too many uploads at a time; send this one again in a second.", _RETRY
            )
        self.n_bytes += n_bytes

    def release(self, n_bytes: int) -> None:
        """Counts bytes as no longer held."""
        self.n_bytes -= n_bytes
