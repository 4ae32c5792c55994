"""Two classifiers on the same images: how much better one is, and how sure that is.

Images are drawn again with replacement, the same ones for both classifiers, so that what makes an
image hard for both cancels (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993,
section 13.3: percentile interval).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

Indices = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Metric = Literal["accuracy", "macro_f1"]

# Resamples that are weighed at once, so that many images take no more memory than this.
_MOST_WEIGHTS = 5_000_000


@dataclass(frozen=True)
class Difference:
    """A metric of challenger and champion.

    Attributes:
      champion: the metric on all images.
      challenger: likewise.
      low: lower end of the interval for challenger minus champion.
      high: upper end.
    """

    champion: float
    challenger: float
    low: float
    high: float

    @property
    def value(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion


@dataclass(frozen=True)
class McNemar:
    """The images on which exactly one of the two is right.

    Attributes:
      only_champion: the champion alone is right.
      only_challenger: the challenger alone is right.
      p_value: of the exact two-sided test that both are as likely (McNemar, Psychometrika 1947).
    """

    only_champion: int
    only_challenger: int
    p_value: float


def compare_metric(
    labels: Indices,
    champion: Indices,
    challenger: Indices,
    n_classes: int,
    *,
    metric: Metric,
    confidence: float,
    n_resamples: int,
    seed: int,
) -> Difference:
    """Returns the difference of a metric with its interval.

    Args:
      labels: ``(n,)`` true class indices.
      champion: ``(n,)`` predicted ones.
      challenger: likewise, of the same images.
      n_classes: number of classes.
      metric: what is compared.
      confidence: of the interval, for example 0.95.
      n_resamples: bootstrap samples.
      seed: of the samples.

    Raises:
      ValueError: there is no image, or the three are not aligned.
    """
    if not len(labels) or not labels.shape == champion.shape == challenger.shape:
        raise ValueError(
            f"{labels.shape} labels, {champion.shape} and {challenger.shape} predictions: a "
            "comparison needs the same images for all, and at least one"
        )
    everything = np.ones((1, len(labels)))
    score = _accuracy if metric == "accuracy" else _macro_f1
    values = [score(labels, found, everything, n_classes)[0] for found in (champion, challenger)]
    rng = np.random.default_rng(seed)
    differences = np.concatenate(
        [
            score(labels, challenger, weights, n_classes)
            - score(labels, champion, weights, n_classes)
            for weights in _resamples(len(labels), n_resamples, rng)
        ]
    )
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(differences, [tail, 1.0 - tail])
    return Difference(float(values[0]), float(values[1]), float(low), float(high))


def mcnemar(labels: Indices, champion: Indices, challenger: Indices) -> McNemar:
    """Compares which of the two is right where they differ, exactly."""
    right, wins = champion == labels, challenger == labels
    lost, won = int((right & ~wins).sum()), int((wins & ~right).sum())
    if lost == won:
        return McNemar(lost, won, 1.0)
    # Twice the smaller tail of a fair coin.
    return McNemar(lost, won, 2.0 * float(bdtr(min(lost, won), lost + won, 0.5)))


def _resamples(n: int, n_resamples: int, rng: np.random.Generator) -> Any:
    """Yields ``(b, n)`` weights: how often each image is in each resample."""
    size = max(1, _MOST_WEIGHTS // n)
    for start in range(0, n_resamples, size):
        count = min(size, n_resamples - start)
        drawn = rng.integers(n, size=(count, n)) + np.arange(count)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=count * n)
        yield counts.reshape(count, n).astype(np.float64)


def _accuracy(labels: Indices, predicted: Indices, weights: Floats, n_classes: int) -> Floats:
    del n_classes
    right = (predicted == labels).astype(np.float64)
    return np.asarray(weights @ right / weights.sum(axis=1))


def _macro_f1(labels: Indices, predicted: Indices, weights: Floats, n_classes: int) -> Floats:
    """Averages over the classes that are meant or predicted at all, as in ``vision.metrics``."""
    total = np.zeros(len(weights))
    n_present = np.zeros(len(weights))
    for index in range(n_classes):
        is_true, is_found = labels == index, predicted == index
        hits = weights @ (is_true & is_found).astype(np.float64)
        either = weights @ is_true.astype(np.float64) + weights @ is_found.astype(np.float64)
        is_present = either > 0
        total += np.divide(2.0 * hits, either, out=np.zeros_like(hits), where=is_present)
        n_present += is_present
    return np.asarray(total / n_present)
