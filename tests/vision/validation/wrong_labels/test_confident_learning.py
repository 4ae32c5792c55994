"""Calibration recovers what made the labels; thresholds and suggestions as computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vision.validation.wrong_labels.confident_learning import (
    Calibration,
    Floats,
    Ints,
    calibrate,
    class_thresholds,
    suggest_classes,
)

# Six images of three classes, by hand.
PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.7, 0.2, 0.1],
        [0.2, 0.7, 0.1],  # labelled 0, surely 1
        [0.1, 0.6, 0.3],
        [0.5, 0.4, 0.1],  # labelled 1, but not surely 0
        [0.1, 0.1, 0.8],
    ]
)
LABELS = np.array([0, 0, 0, 1, 1, 2])
THRESHOLDS = np.array([0.6, 0.5, 0.8])


def test_thresholds_are_mean_probabilities_of_the_own_class() -> None:
    own = PROBABILITIES[np.arange(6), LABELS]
    np.testing.assert_allclose(class_thresholds(own, LABELS, 3), THRESHOLDS)


def test_a_class_without_images_has_the_threshold_one() -> None:
    assert class_thresholds(np.array([0.4]), np.array([0]), 2).tolist() == [0.4, 1.0]


def test_a_suggestion_must_reach_the_threshold_of_its_class() -> None:
    suggested = suggest_classes(PROBABILITIES, LABELS, THRESHOLDS)
    assert suggested.tolist() == [0, 0, 1, 1, 1, 2]


def test_the_most_probable_of_the_classes_that_reach_theirs_is_suggested() -> None:
    probabilities = np.array([[0.45, 0.35, 0.2]])
    labels = np.array([2])
    assert suggest_classes(probabilities, labels, np.array([0.4, 0.3, 0.9])).tolist() == [0]
    assert suggest_classes(probabilities, labels, np.array([0.5, 0.3, 0.9])).tolist() == [1]
    assert suggest_classes(probabilities, labels, np.array([0.5, 0.5, 0.9])).tolist() == [2]


def scores_and_labels(share: float, n_classes: int, n: int = 20_000) -> tuple[Floats, Ints]:
    """Draws scores, labels of the probabilities that they mean, and then wrong labels."""
    rng = np.random.default_rng(0)
    scores = rng.normal(1 / n_classes, 0.3, (n, n_classes)).astype(np.float32)
    probabilities = np.exp(8.0 * scores)
    probabilities /= probabilities.sum(1, keepdims=True)
    drawn = probabilities.cumsum(1) > rng.random((n, 1))
    labels = drawn.argmax(1)
    is_wrong = rng.random(n) < share
    moved = (labels + rng.integers(1, n_classes, n)) % n_classes
    return scores, np.where(is_wrong, moved, labels)


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.2])
def test_the_share_of_wrong_labels_is_recovered(share: float, n_classes: int) -> None:
    fitted = calibrate(*scores_and_labels(share, n_classes))
    assert fitted.wrong_share == pytest.approx(share, abs=0.015)
    assert abs(fitted.wrong_share - share) < 3 * fitted.wrong_share_error + 0.001
    assert fitted.temperature == pytest.approx(8.0, rel=0.12)
    assert fitted.gain > 30 * fitted.gain_error


def test_scores_that_say_nothing_have_no_gain() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0.25, 0.05, (2000, 4)).astype(np.float32)
    fitted = calibrate(scores, rng.integers(0, 4, 2000))
    assert fitted.gain < 3 * fitted.gain_error


def test_probabilities_of_scores_that_equal_the_shares_are_the_shares() -> None:
    prior = np.array([0.9, 0.1])
    calibration = Calibration(20.0, prior, 0.0, 0.0, 0.0, 0.0, 0.0)
    scores = np.array([[0.9, 0.1], [0.0, 1.0]], np.float16)
    probabilities = calibration.probabilities(scores)
    np.testing.assert_allclose(probabilities[0], prior, atol=5e-3)
    assert probabilities[1, 1] > 0.999
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
