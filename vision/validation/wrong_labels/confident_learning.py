"""Tells wrong labels from hard images: calibrated probabilities and confident learning.

Scores and probabilities are (n_images, n_classes), labels (n_images,) class indices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.intp]

# Numbers looked at in each evaluation of the likelihood: 20 ms, whatever the number of classes.
_MAX_NUMBERS = 1_000_000
_LEAST_SHARE = 1e-5
_STEP = 1e-3


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities, and how many labels are wrong.

    Attributes:
      temperature: what scores are multiplied by.
      prior: (n_classes,) share of each class.
      wrong_share: estimated share of labels that are wrong, 0..1.
      wrong_share_error: its standard error.
      likelihood: mean log-probability of the labels.
      gain: mean log-probability of the labels above that of knowing the classes' shares only.
      gain_error: its standard error.
    """

    temperature: float
    prior: npt.NDArray[np.float64]
    wrong_share: float
    wrong_share_error: float
    likelihood: float
    gain: float
    gain_error: float

    def probabilities(self, scores: Floats) -> npt.NDArray[np.float32]:
        """Returns the probabilities of the true classes."""
        return _softmax(scores, self.temperature, self.prior)


def calibrate(scores: Floats, labels: Ints) -> Calibration:
    """Fits the temperature and the share of wrong labels by maximum likelihood.

    A label is taken to be wrong with one probability for all images, and then to be any of the
    other classes. A classifier that is right in 70 % of cases contradicts a third of all labels;
    what tells wrong labels is that it also contradicts them where it is sure. A temperature alone
    would take this for being sure too often (Guo et al., "On Calibration of Modern Neural
    Networks", ICML 2017, section 4.2).

    Args:
      scores: regression scores, about 1 for the class that the image shows.
      labels: class indices; images in an order that says nothing about their class.
    """
    counts = np.maximum(np.bincount(labels, minlength=scores.shape[1]), 0.5)
    prior = counts / counts.sum()
    n_looked_at = max(1000, _MAX_NUMBERS // scores.shape[1])
    mixture = _Mixture(scores[:n_looked_at].astype(np.float32), labels[:n_looked_at], prior)
    best = mixture.fit()
    mixed = mixture.likelihoods(best)
    gains = np.log(mixed) - np.log(prior[mixture.labels])
    share = _wrong_share(best)
    # The inverse of the observed information; the two parameters go up and down together.
    steps = np.diag([_STEP, _STEP])
    slopes = [(np.log(mixture.likelihoods(best + step)) - np.log(mixed)) / _STEP for step in steps]
    covariance = np.linalg.pinv(np.array(slopes) @ np.array(slopes).T)
    return Calibration(
        temperature=float(np.exp(best[0])),
        prior=prior,
        wrong_share=share,
        wrong_share_error=float(np.sqrt(covariance[1, 1]) * share * (1 - share)),
        likelihood=float(np.log(mixed).mean()),
        gain=float(gains.mean()),
        gain_error=float(gains.std() / np.sqrt(len(gains))),
    )


@dataclass(frozen=True)
class _Mixture:
    """Right and wrong labels, by the log of the temperature and the logit of the wrong share."""

    scores: npt.NDArray[np.float32]
    labels: Ints
    prior: npt.NDArray[np.float64]

    def likelihoods(self, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Returns the probability of each image's label, be it right or wrong: (n,)."""
        rows = np.arange(len(self.labels))
        probabilities = _softmax(self.scores, float(np.exp(at[0])), self.prior)
        own = probabilities[rows, self.labels].astype(np.float64)
        share, n_classes = _wrong_share(at), self.scores.shape[1]
        mixed: npt.NDArray[np.float64] = (1 - share) * own + share * (1 - own) / (n_classes - 1)
        return mixed

    def fit(self) -> npt.NDArray[np.float64]:
        from scipy.optimize import minimize

        # With few wrong labels there are two valleys: blunt and all right, sharp and some wrong.
        tried = [
            minimize(
                self._misfit,
                start,
                method="Nelder-Mead",
                bounds=[(-3.0, 6.0), (-12.0, 3.0)],
                options={"xatol": 1e-3, "fatol": 1e-7, "maxiter": 120},
            )
            for start in ([1.0, -6.0], [2.5, -3.0])
        ]
        return np.asarray(min(tried, key=lambda end: float(end.fun)).x, np.float64)

    def _misfit(self, at: npt.NDArray[np.float64]) -> float:
        # One wrong label more than is seen: else two of 200 are taken for a lack of sharpness.
        seen = np.log(self.likelihoods(at)).sum() - np.log1p(np.exp(-at[1]))
        return -float(seen) / len(self.labels)


def _wrong_share(at: npt.NDArray[np.float64]) -> float:
    return float(_LEAST_SHARE + (1 - _LEAST_SHARE) / (1 + np.exp(-at[1])))


def class_thresholds(own: Floats, labels: Ints, n_classes: int) -> npt.NDArray[np.float64]:
    """Returns the mean probability of a class over the images labelled with it: (n_classes,).

    Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels"
    (JAIR 2021), section 3.1. A class without images has the threshold 1.

    Args:
      own: (n,) each image's probability of the class that it is labelled with.
      labels: (n,) class indices.
      n_classes: number of classes.
    """
    counts = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, own, n_classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)


def suggest_classes(
    probabilities: Floats, labels: Ints, thresholds: npt.NDArray[np.float64]
) -> Ints:
    """Returns the class that each image is confidently of: (n,), its own where there is none.

    That is the most probable of those classes whose probability reaches their threshold (the
    paper's equation 1).
    """
    reached = np.where(probabilities >= thresholds, probabilities, -1.0)
    best = reached.argmax(1)
    is_confident = reached.max(1) >= 0
    return np.where(is_confident, best, labels)


def _softmax(
    scores: Floats, temperature: float, prior: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    # A score is the share of its class where the features say nothing.
    logits = (scores - prior.astype(np.float32)) * np.float32(temperature)
    logits += np.log(prior).astype(np.float32)
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(1, keepdims=True)
    return np.asarray(logits, np.float32)
