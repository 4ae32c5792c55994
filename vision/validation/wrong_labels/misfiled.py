"""Finds whole classes of a split that lie in another class's folder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.validation.wrong_labels.class_predictions import Predictions
from vision.validation.wrong_labels.out_of_fold import Ints

# Of a class within a split and outside it: with fewer images neither can be told from chance.
_LEAST_IMAGES = 10


@dataclass(frozen=True)
class Misfiled:
    """The images of one class in one split, most of which look like another class.

    Attributes:
      split: its name.
      label: index of the class that they are labelled with.
      looks_like: index of the class that most of them look like.
      rows: where they are.
      is_like: which of them do look like it.
    """

    split: str
    label: int
    looks_like: int
    rows: Ints
    is_like: npt.NDArray[np.bool_]


def find_misfiled(predictions: Predictions) -> list[Misfiled]:
    """Finds splits where most images of a class look like one other class, unlike elsewhere."""
    found = []
    splits = predictions.frame["split"].to_numpy(object)
    for label in range(len(predictions.classes)):
        rows = np.flatnonzero(predictions.labels == label)
        probabilities = predictions.calibration.probabilities(predictions.scores[rows])
        for split in np.unique(splits[rows]):
            is_here = splits[rows] == split
            if min(is_here.sum(), (~is_here).sum()) < _LEAST_IMAGES:
                continue
            likely = probabilities[is_here].mean(0)
            likely[label] = -1
            other = int(likely.argmax())
            is_like = probabilities[:, other] > probabilities[:, label]
            here, elsewhere = is_like[is_here], is_like[~is_here]
            if here.mean() > 0.5 > elsewhere.mean() and _differ(here, elsewhere):
                found.append(Misfiled(str(split), label, other, rows[is_here], here))
    return found


def _differ(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> bool:
    """Tells whether two shares differ by four standard errors."""
    both = float(np.concatenate([one, other]).mean())
    error = np.sqrt(both * (1 - both) * (1 / len(one) + 1 / len(other)))
    return bool(abs(one.mean() - other.mean()) > 4 * error)
