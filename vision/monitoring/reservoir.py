"""Rows drawn at random from a stream whose length nobody knows, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


class Reservoir:
    """At most ``n_most`` rows of a stream; every row of it is as likely to be kept as any other.

    Algorithm R of Vitter, "Random Sampling with a Reservoir", 1985, a batch at a time.
    """

    def __init__(self, n_most: int, rng: np.random.Generator) -> None:
        self._n_most = n_most
        self._rng = rng
        self._kept: dict[str, Values] = {}
        self.n_seen = 0

    def __len__(self) -> int:
        return min(self.n_seen, self._n_most)

    def add(self, columns: Mapping[str, Values]) -> None:
        """Takes ``n`` further rows; every column has ``n`` of them and is there in every batch."""
        n_rows = len(next(iter(columns.values())))
        if not self._kept:
            self._kept = {
                name: np.empty((self._n_most, *values.shape[1:]), values.dtype)
                for name, values in columns.items()
            }
        slots = np.arange(self.n_seen, self.n_seen + n_rows)
        late = slots >= self._n_most
        slots[late] = self._rng.integers(0, slots[late] + 1)
        chosen = slots < self._n_most
        # Where a slot is drawn twice, the later row stays: NumPy assigns in order.
        for name, values in columns.items():
            self._kept[name][slots[chosen]] = values[chosen]
        self.n_seen += n_rows

    def columns(self) -> dict[str, Values]:
        """Returns the kept rows of each column, in no order that means anything."""
        return {name: values[: len(self)] for name, values in self._kept.items()}
