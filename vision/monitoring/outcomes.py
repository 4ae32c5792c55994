"""What people said the images really were, against what was predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_MOST_UNKNOWN = 1_000


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Labelled predictions.

    Attributes:
      confusion: ``(k, k)`` predictions whose one true label is a class of the model; rows are true
        classes, columns predicted ones.
      n_unknown: predictions whose one true label is no class of the model: always wrong.
      n_several: predictions with several true labels, which count neither as right nor as wrong.
      unknown: how often each label occurred that is no class of the model; the first 1,000 of them.
    """

    confusion: npt.NDArray[np.int64]
    n_unknown: int
    n_several: int
    unknown: dict[str, int]

    @property
    def n_labelled(self) -> int:
        """Predictions that were right or wrong."""
        return int(self.confusion.sum()) + self.n_unknown

    @property
    def n_right(self) -> int:
        """Predictions that were right."""
        return int(np.trace(self.confusion))


class OutcomeCounter:
    """Compares true labels with predictions; memory does not grow with their number."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._index = {name: index for index, name in enumerate(classes)}
        self._confusion = np.zeros((len(classes), len(classes)), np.int64)
        self._n_unknown = 0
        self._n_several = 0
        self._unknown: Counter[str] = Counter()

    def add(
        self, true_labels: Sequence[list[str] | None], predicted: npt.NDArray[np.integer[Any]]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Counts ``n`` predictions.

        Returns:
          two ``(n,)`` masks: which have one true label, and which of them are right.
        """
        is_labelled = np.zeros(len(predicted), np.bool_)
        is_right = np.zeros(len(predicted), np.bool_)
        for position, names in enumerate(true_labels):
            if not names:
                continue
            if len(set(names)) > 1:
                self._n_several += 1
                continue
            is_labelled[position] = True
            true = self._index.get(names[0])
            if true is None:
                self._n_unknown += 1
                if names[0] in self._unknown or len(self._unknown) < _MOST_UNKNOWN:
                    self._unknown[names[0]] += 1
                continue
            self._confusion[true, predicted[position]] += 1
            is_right[position] = true == predicted[position]
        return is_labelled, is_right

    def finish(self) -> Outcomes:
        """Returns everything that was counted."""
        unknown = dict(self._unknown.most_common())
        return Outcomes(self._confusion.copy(), self._n_unknown, self._n_several, unknown)
