"""Accuracy without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.vision.monitoring.traffic import Drawn
from vision.monitoring.estimation import AccuracyEstimator, atc_threshold, calibrate_temperature

pytestmark = pytest.mark.unit

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer[Any]]


def certain(confidences: list[float]) -> Floats:
    """Returns probabilities of two classes, the first with the given confidence."""
    return np.array([[value, 1.0 - value] for value in confidences])


def test_threshold_has_as_many_below_as_are_wrong() -> None:
    scores = np.array([0.1, 0.9, 0.4, 0.3, 0.8])
    is_right = np.array([False, True, True, False, True])
    assert atc_threshold(scores, is_right) == 0.4
    assert (scores < 0.4).mean() == (~is_right).mean()


def test_threshold_at_the_ends() -> None:
    scores = np.array([0.2, 0.6])
    assert atc_threshold(scores, np.array([True, True])) == 0.2
    assert atc_threshold(scores, np.array([False, False])) == float("inf")


def test_exact_where_doubt_is_error() -> None:
    """The three doubtful of ten are wrong, there and here: six doubtful of ten are six errors."""
    reference = certain([0.95] * 7 + [0.55] * 3)
    estimator = AccuracyEstimator.fit(reference, np.array([0] * 7 + [1] * 3))
    assert estimator.accuracy == 0.7
    later = np.repeat(certain([0.95] * 4 + [0.55] * 6), 10, axis=0)
    found = estimator.estimate(later)
    assert found is not None
    assert found.atc == pytest.approx(0.4)


def test_unchanged_traffic_has_the_accuracy_of_the_reference() -> None:
    drawn = Drawn(2_000, seed=1)
    estimator = AccuracyEstimator.fit(drawn.probabilities, drawn.true)
    found = estimator.estimate(drawn.probabilities)
    assert found is not None
    assert found.atc == pytest.approx(found.reference, abs=1e-3)
    assert found.confidence == pytest.approx(found.reference, abs=1e-9)


def test_temperature_is_found() -> None:
    """Labels drawn from probabilities that were then sharpened by 2.5."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 1.5, (20_000, 4))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((20_000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    sharp = true**2.5 / (true**2.5).sum(axis=1, keepdims=True)
    assert calibrate_temperature(sharp, labels) == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize("sharpness", [2.0, 1.0, 0.5])
def test_errors_that_come_with_doubt_are_seen(sharpness: float) -> None:
    """A model whose probabilities are true: where it doubts more, it errs that much more."""
    rng = np.random.default_rng(0)

    def draw(scale: float) -> tuple[Floats, Indices]:
        logits = scale * rng.normal(0.0, 1.0, (20_000, 4))
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = (rng.random((20_000, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        return probabilities, labels

    found = AccuracyEstimator.fit(*draw(3.0)).estimate((later := draw(sharpness))[0])
    assert found is not None
    accuracy = float((later[0].argmax(axis=1) == later[1]).mean())
    assert accuracy < found.reference - 0.08
    assert found.confidence == pytest.approx(accuracy, abs=0.02)
    # Its threshold is hard: of images that are all somewhat doubtful it takes too many for wrong.
    assert found.atc < found.reference - 0.08


def test_noisy_features_make_it_too_hopeful() -> None:
    """The documented blind spot: noise in the logits makes mistakes that are confident."""
    reference, later = Drawn(3_000, seed=2), Drawn(3_000, seed=3, doubt=2.4)
    found = AccuracyEstimator.fit(reference.probabilities, reference.true).estimate(
        later.probabilities
    )
    assert found is not None
    accuracy = float((later.classes == later.true).mean())
    assert min(found.atc, found.confidence) > accuracy + 0.1


def test_confident_mistakes_are_not_seen() -> None:
    drawn = Drawn(1_000, seed=4)
    estimator = AccuracyEstimator.fit(drawn.probabilities, drawn.true)
    wrong = np.roll(drawn.probabilities, 1, axis=1)
    found = estimator.estimate(wrong)
    assert found is not None
    assert found.atc == pytest.approx(found.reference, abs=1e-3)


def test_no_estimate_from_a_handful() -> None:
    drawn = Drawn(100, seed=5)
    estimator = AccuracyEstimator.fit(drawn.probabilities, drawn.true)
    assert estimator.estimate(drawn.probabilities[:49]) is None
    assert estimator.estimate(drawn.probabilities[:50]) is not None
    assert estimator.estimate(np.empty((0, 3))) is None


def test_probabilities_of_zero_and_one() -> None:
    estimator = AccuracyEstimator.fit(np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1]))
    assert np.isfinite(estimator.temperature)
