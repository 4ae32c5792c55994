"""The waiting room of a worker: how many requests, and how many bytes of bodies, it holds.

A request takes its place once its body has come in and gives it back when its answer begins, so
that neither slow senders nor slow readers keep others out. What slow senders do take is memory;
that is counted in bytes. Small bodies have bytes of their own, so that a few large ones that
never end keep out large ones only.
"""

from __future__ import annotations

from serving.problems import TOO_MANY, ProblemError

_RETRY = {"Retry-After": "1"}


class WaitingRoom:
    """Counts; used from one event loop only.

    Args:
      max_waiting: requests that may be worked on or wait for it.
      max_bytes: of large request bodies held at a time.
      small_bytes: the most that a small body has; the first bytes of each count as small.
      max_small_bytes: of small request bodies held at a time.
    """

    def __init__(
        self, max_waiting: int, max_bytes: int, small_bytes: int = 0, max_small_bytes: int = 0
    ) -> None:
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self._small_bytes = small_bytes
        self._max_small_bytes = max_small_bytes
        self.n_waiting = 0
        self.n_large_bytes = 0
        self.n_small_bytes = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of all bodies that are held."""
        return self.n_large_bytes + self.n_small_bytes

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

    def hold(self, n_bytes: int, before: int = 0) -> None:
        """Counts bytes of a body that are held from now on, besides those of it ``before``.

        Raises:
          ProblemError: 429, too many are held; these are not counted.
        """
        after = before + n_bytes
        if after <= self._small_bytes:
            is_full = self.n_small_bytes + n_bytes > self._max_small_bytes
        else:
            # A body that has become large moves over with all its bytes.
            n_new = n_bytes if before > self._small_bytes else after
            is_full = self.n_large_bytes + n_new > self._max_bytes
        if is_full:
            raise ProblemError(
                TOO_MANY, "Too many uploads at a time; send this one again in a second.", _RETRY
            )
        self.release(before)
        self._count(after, after)

    def release(self, n_bytes: int) -> None:
        """Counts all the bytes of a body as no longer held."""
        self._count(n_bytes, -n_bytes)

    def _count(self, size: int, change: int) -> None:
        """Adds to the bytes held for bodies of such a size."""
        if size <= self._small_bytes:
            self.n_small_bytes += change
        else:
            self.n_large_bytes += change
