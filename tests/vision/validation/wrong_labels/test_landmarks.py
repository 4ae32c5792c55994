"""Similarities to landmarks: against a slow computation, in any blocks."""

from __future__ import annotations

import numpy as np
import pytest

from tests.corpus import picture
from vision.image_source import CachedImages
from vision.validation.wrong_labels import landmarks
from vision.validation.wrong_labels.patch_features import describe_images, learn_filters

SIZE = (32, 32)
IMAGES = np.stack([np.asarray(picture(number, SIZE)) for number in range(40)])


def test_similarities_fall_with_the_distance_of_standardised_features() -> None:
    chosen = np.array([0, 3, 7, 20, 21, 30])
    compared = landmarks.compare_with_landmarks(CachedImages(IMAGES), chosen)
    features = describe_images(IMAGES, learn_filters(IMAGES)).astype(np.float64)
    mean, deviation = features[chosen].mean(0), np.maximum(features[chosen].std(0), 1e-6)
    points = (features - mean) / deviation
    distances = ((points[:, None] - points[None, chosen]) ** 2).mean(2)
    expected = np.exp(-0.3 * distances)
    expected = (expected - expected[chosen].mean(0)) / expected[chosen].std(0)
    assert compared.shape == (40, 6)
    np.testing.assert_allclose(compared, expected, atol=0.02)


def test_each_landmark_is_most_like_itself() -> None:
    chosen = np.arange(5, 15)
    compared = landmarks.compare_with_landmarks(CachedImages(IMAGES), chosen)
    np.testing.assert_array_equal(compared.argmax(0), chosen)


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = landmarks.compare_with_landmarks(CachedImages(IMAGES), np.arange(8))
    monkeypatch.setattr(landmarks, "_BLOCK", 16)
    parts = landmarks.compare_with_landmarks(CachedImages(IMAGES), np.arange(8))
    np.testing.assert_allclose(parts, whole, atol=0.01)


def test_images_that_are_all_alike_have_finite_similarities() -> None:
    alike = CachedImages(np.repeat(IMAGES[:1], 12, 0))
    assert np.isfinite(landmarks.compare_with_landmarks(alike, np.array([0]))).all()
