"""Class probabilities of images from a classifier that has not seen them nor their like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.datasets.table import AnnotationTable
from vision.image_source import open_images
from vision.validation.wrong_labels.confident_learning import Calibration, calibrate
from vision.validation.wrong_labels.landmarks import N_LANDMARKS, compare_with_landmarks
from vision.validation.wrong_labels.out_of_fold import N_FOLDS, FoldRidge, Ints, assign_folds
from vision.validation.wrong_labels.patch_features import SIDE_PX

_PENALTIES = (1e-4, 1e-3, 1e-2)
_BLOCK = 4096
_DECODED_BYTES = 64 << 20


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold probabilities of the judged images.

    Attributes:
      frame: their rows.
      classes: names of the judged classes.
      labels: (n,) their class indices.
      scores: (n, n_classes) float16.
      calibration: turns scores into probabilities.
    """

    frame: pd.DataFrame
    classes: npt.NDArray[np.object_]
    labels: Ints
    scores: npt.NDArray[np.float16]
    calibration: Calibration

    def blocks(self) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
        """Yields rows and their probabilities."""
        for start in range(0, len(self.labels), _BLOCK):
            rows = slice(start, start + _BLOCK)
            yield rows, self.calibration.probabilities(self.scores[rows])

    def own(self) -> npt.NDArray[np.float32]:
        """Returns each image's probability of the class that it is labelled with: (n,)."""
        own = np.empty(len(self.labels), np.float32)
        for rows, probabilities in self.blocks():
            own[rows] = probabilities[np.arange(len(probabilities)), self.labels[rows]]
        return own


def predict_out_of_fold(table: AnnotationTable, frame: pd.DataFrame) -> Predictions:
    """Predicts the class of every image from the images of other folds.

    Args:
      table: where the images lie.
      frame: its rows to judge, in an order that says nothing about their class.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    classes, labels = np.unique(frame["label"].to_numpy(object), return_inverse=True)
    folds = assign_folds(frame)
    landmarks = np.flatnonzero(~frame["sha256"].duplicated().to_numpy())[:N_LANDMARKS]
    source = open_images(
        table.root, list(frame["path"]), (SIDE_PX, SIDE_PX), _DECODED_BYTES, "decoding images"
    )
    features = compare_with_landmarks(source, landmarks)
    ridge = FoldRidge(features, labels, len(classes), folds, folds[landmarks])
    is_first = folds == 0
    candidates = ridge.predict(0, _PENALTIES)
    fits = [calibrate(scores, labels[is_first]).likelihood for scores in candidates]
    best = int(np.argmax(fits))
    scores = np.empty((len(frame), len(classes)), np.float16)
    scores[is_first] = candidates[best]
    for fold in range(1, N_FOLDS):
        [scores[folds == fold]] = ridge.predict(fold, _PENALTIES[best : best + 1])
    return Predictions(frame, classes, labels, scores, calibrate(scores, labels))
