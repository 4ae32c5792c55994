"""The metrics of an evaluation with their intervals.

Shares of images have Wilson's interval; the macro F1 is drawn again over the images. A metric that
needs all probabilities, which the report of an evaluation does not keep, has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vision.monitoring.intervals import wilson
from vision.passport.parts import ClassPart, EvaluationPart, MetricPart
from vision.passport.sections import finite, known_gates

if TYPE_CHECKING:
    from vision.evaluation import EvaluationReport

_SHARES = ("accuracy", "top_3_accuracy")
_N_RESAMPLES = 2_000


def evaluation_section(report: EvaluationReport) -> EvaluationPart:
    """Says how good the model is, from the report of its evaluation."""
    return EvaluationPart(
        split=report.split,
        n_images=report.n_images,
        metrics=tuple(_metric(report, name) for name in report.metrics),
        classes=_classes(report),
        gates=known_gates(report.gates),
    )


def stored_metrics(metrics: Mapping[str, float | None]) -> EvaluationPart:
    """Says how good the model is, from the manifest alone: numbers without intervals."""
    return EvaluationPart(
        split=None,
        n_images=None,
        metrics=tuple(MetricPart(name=name, value=finite(v)) for name, v in metrics.items()),
        classes=None,
        gates=None,
    )


def _metric(report: EvaluationReport, name: str) -> MetricPart:
    value = finite(report.metrics[name])
    if value is None:
        return MetricPart(name=name, value=None)
    if name in _SHARES:
        low, high = wilson(round(value * report.n_images), report.n_images)
        return MetricPart(name=name, value=value, low=low, high=high, method="wilson")
    if name == "macro_f1":
        low, high = _bootstrap_f1(report.confusion)
        return MetricPart(name=name, value=value, low=low, high=high, method="bootstrap")
    return MetricPart(name=name, value=value)


def _bootstrap_f1(confusion: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Draws the images again; how often each pair of classes comes is all that counts of them."""
    true, found = np.nonzero(confusion)
    counts = confusion[true, found]
    n_images = int(counts.sum())
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(n_images, counts / n_images, size=_N_RESAMPLES).astype(np.float64)
    classes = np.arange(len(confusion))
    is_true, is_found = true[:, None] == classes, found[:, None] == classes
    hits = drawn @ (is_true & is_found)
    either = drawn @ is_true + drawn @ is_found
    is_present = either > 0
    scores = np.divide(2.0 * hits, either, out=np.zeros_like(hits), where=is_present)
    low, high = np.quantile(scores.sum(axis=1) / is_present.sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _classes(report: EvaluationReport) -> tuple[ClassPart, ...]:
    rights = report.confusion.diagonal().tolist()
    totals = report.confusion.sum(axis=1).tolist()
    answers = report.confusion.sum(axis=0).tolist()
    rows = report.per_class.to_dict("records")
    classes = []
    for row, right, total, answered in zip(rows, rights, totals, answers, strict=True):
        low, high = wilson(right, total) if total else (None, None)
        classes.append(
            ClassPart(
                name=str(row["label"]),
                n_images=total,
                recall=right / total if total else None,
                low=low,
                high=high,
                precision=finite(row["precision"]) if answered else None,
                f1=finite(row["f1"]) if answered or total else None,
            )
        )
    return tuple(classes)
