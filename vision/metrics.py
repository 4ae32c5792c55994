"""Metrics of a classifier, from aligned class indices and probabilities.

A metric that the data cannot support (an area under the curve with a single class present, the
three best answers of three classes) is NaN, which no gate passes; it is never a made-up number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

Indices = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.floating[Any]]

_TOP_K = 3


def compute_metrics(labels: Indices, probabilities: Probabilities) -> dict[str, float]:
    """Returns ``accuracy``, ``macro_f1``, ``weighted_f1``, ``auc`` and ``top_3_accuracy``.

    ``auc`` is NaN where a single class occurs. ``top_3_accuracy`` is NaN with three classes or
    fewer, where every answer would be right.

    Args:
      labels: ``(n,)`` true class indices.
      probabilities: ``(n, k)`` predicted probabilities, aligned with ``labels``.

    Raises:
      ValueError: there is no image, or the two are not aligned.
    """
    _check_aligned(labels, probabilities)
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": _f1(labels, predicted, "macro"),
        "weighted_f1": _f1(labels, predicted, "weighted"),
        "auc": _area_under_curve(labels, probabilities),
        "top_3_accuracy": _top_accuracy(labels, probabilities),
    }


def per_class_metrics(labels: Indices, predicted: Indices, classes: Sequence[str]) -> pd.DataFrame:
    """Returns one row per class with ``label``, ``precision``, ``recall``, ``f1``, ``n_images``."""
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0.0
    )
    columns = {"label": list(classes), "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame({**columns, "n_images": support.astype(np.int64)})


def confusion(labels: Indices, predicted: Indices, n_classes: int) -> npt.NDArray[np.int64]:
    """Returns the ``(k, k)`` counts; rows are true classes, columns predicted ones."""
    counts = confusion_matrix(labels, predicted, labels=np.arange(n_classes))
    return np.asarray(counts, dtype=np.int64)


def _check_aligned(labels: Indices, probabilities: Probabilities) -> None:
    if len(labels) == 0 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"{labels.shape} labels and {probabilities.shape} probabilities: "
            "metrics need one row of probabilities per label, and at least one"
        )


def _f1(labels: Indices, predicted: Indices, average: str) -> float:
    *_, score, _ = precision_recall_fscore_support(
        labels, predicted, average=average, zero_division=0.0
    )
    return float(score)


def _top_accuracy(labels: Indices, probabilities: Probabilities) -> float:
    """Share of images whose class is among the three most probable."""
    if probabilities.shape[1] <= _TOP_K:
        return float("nan")
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :_TOP_K]
    return float((top == labels[:, None]).any(axis=1).mean())


def _area_under_curve(labels: Indices, probabilities: Probabilities) -> float:
    """Macro average over the classes that occur, each against the rest."""
    present = np.unique(labels)
    if len(present) < 2:
        return float("nan")
    areas = [roc_auc_score(labels == index, probabilities[:, index]) for index in present]
    return float(np.mean(areas))
