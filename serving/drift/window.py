"""The last predictions of one model version, as the detectors look at them."""

from __future__ import annotations

from collections import deque
from threading import Lock

import numpy as np

from serving.record import Floats, PredictionRecord

Key = tuple[str, str]


class Window:
    """A ring of embeddings; its methods may be called by several threads at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = Lock()
        self._key: Key | None = None
        self._rows: deque[tuple[Floats, Floats]] = deque(maxlen=size)
        self._n_new = 0

    def restart(self, key: Key) -> None:
        """Empties the window and takes predictions of this model version from now on."""
        with self._lock:
            if key != self._key:
                self._key = key
                self._rows.clear()
                self._n_new = 0

    def add(self, record: PredictionRecord) -> int:
        """Adds a prediction; one of another version is passed over.

        Returns:
          How many were added since :meth:`take`.
        """
        with self._lock:
            if (record.model_name, record.model_version) == self._key:
                self._rows.append((record.embedding_uae, record.embedding_bbsd))
                self._n_new += 1
            return self._n_new

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def n_new(self) -> int:
        """Predictions that were added since :meth:`take`."""
        return self._n_new

    @property
    def key(self) -> Key | None:
        """Name and version of the model whose predictions are taken."""
        return self._key

    def take(self) -> tuple[Key | None, dict[str, Floats]]:
        """Returns the version and the rows of each view, oldest first; the window stays full."""
        with self._lock:
            rows, self._n_new = list(self._rows), 0
            key = self._key
        if not rows:
            return key, {}
        uae, bbsd = zip(*rows, strict=True)
        return key, {"embedding_uae": np.stack(uae), "embedding_bbsd": np.stack(bbsd)}
