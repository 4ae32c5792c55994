"""Scores a classifier in one pass over one split, in the table's order.

Labels and probabilities come from the same pass: row ``i`` of one belongs to row ``i`` of the
other, whatever the predictor does with its batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.config import EvaluationConfig
from vision.config.rules import judge_minimum
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ModelError
from vision.image_source import batches, open_images
from vision.metrics import compute_metrics, confusion, per_class_metrics
from vision.progress import track
from vision.validation.report import Gate

Predict = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class EvaluationReport:
    """What a classifier does on one split.

    Attributes:
      split: the split that was scored.
      classes: class names in class order.
      metrics: metric names to values; NaN where the split cannot support the metric.
      per_class: ``label``, ``precision``, ``recall``, ``f1`` and ``n_images`` per class.
      confusion: ``(k, k)`` counts; rows are true classes, columns predicted ones.
      predictions: per image ``path``, ``label``, ``predicted`` and ``probability``.
      gates: the minimums of the configuration, judged.
    """

    split: str
    classes: tuple[str, ...]
    metrics: dict[str, float]
    per_class: pd.DataFrame
    confusion: npt.NDArray[np.int64]
    predictions: pd.DataFrame
    gates: tuple[Gate, ...]

    @property
    def n_images(self) -> int:
        """Number of images that were scored."""
        return len(self.predictions)

    @property
    def passed(self) -> bool:
        """Whether every gate is passed."""
        return all(gate.passed for gate in self.gates)


def evaluate_model(
    predict: Predict,
    table: AnnotationTable,
    input_size: tuple[int, int],
    evaluation: EvaluationConfig,
) -> EvaluationReport:
    """Scores a predictor on the configured split.

    Args:
      predict: from ``(n, height, width, 3)`` RGB uint8 to ``(n, k)`` probabilities.
      table: the images and their labels.
      input_size: ``(height, width)`` in pixels that the predictor takes.
      evaluation: split, batch size and gate.

    Raises:
      DatasetError: the split is empty.
      ModelError: the predictor gives another number of classes than the table has.
    """
    rows = _rows_of(table, evaluation.split)
    probabilities = _predict_all(predict, table, list(rows["path"]), input_size, evaluation)
    labels = np.asarray(table.class_index(rows["label"]))
    predicted = probabilities.argmax(axis=1)
    metrics = compute_metrics(labels, probabilities)
    return EvaluationReport(
        split=evaluation.split,
        classes=table.classes,
        metrics=metrics,
        per_class=per_class_metrics(labels, predicted, table.classes),
        confusion=confusion(labels, predicted, len(table.classes)),
        predictions=rows[["path", "label"]].assign(
            predicted=[table.classes[index] for index in predicted],
            probability=probabilities.max(axis=1),
        ),
        gates=tuple(
            judge_minimum(name, metrics[name], minimum) for name, minimum in evaluation.gate.items()
        ),
    )


def _rows_of(table: AnnotationTable, split: str) -> pd.DataFrame:
    rows = table.rows(split)
    if rows.empty:
        raise DatasetError(
            f"split {split} of {table.root} has no image to evaluate on; "
            "add images to it, or choose another evaluation.split"
        )
    return rows


def _predict_all(
    predict: Predict,
    table: AnnotationTable,
    paths: list[str],
    input_size: tuple[int, int],
    evaluation: EvaluationConfig,
) -> npt.NDArray[np.float32]:
    # A budget of nothing streams: each image is needed once.
    source = open_images(table.root, paths, input_size, budget_bytes=0)
    size = evaluation.batch_size
    total = -(-len(paths) // size)
    parts = [
        predict(images)
        for images in track(
            batches(source, size), total, doing=f"evaluating {evaluation.split}", unit="batches"
        )
    ]
    probabilities = np.concatenate(parts)
    expected = (len(paths), len(table.classes))
    if probabilities.shape != expected:
        raise ModelError(
            f"the model gives probabilities {probabilities.shape}, the data needs {expected}: "
            f"it was trained on other classes than {', '.join(table.classes)}; "
            "evaluate it on its own dataset, or train again"
        )
    return probabilities
