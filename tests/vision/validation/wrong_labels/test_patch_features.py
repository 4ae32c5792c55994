"""Features of images: against a slow computation, their symmetries, and images of one colour."""

from __future__ import annotations

import numpy as np
import pytest

from tests.corpus import picture
from vision.validation.wrong_labels.patch_features import (
    PATCH_PX,
    SIDE_PX,
    Images,
    PatchFilters,
    describe_images,
    learn_filters,
)

_PLACES = range(0, SIDE_PX - PATCH_PX + 1, 2)


def pictures(n_images: int, seed: int = 0) -> Images:
    """Returns smooth pictures with noise."""
    rng = np.random.default_rng(seed)
    size = (SIDE_PX, SIDE_PX)
    smooth = np.stack([np.asarray(picture(seed + number, size)) for number in range(n_images)])
    return np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)


IMAGES = pictures(60)
FILTERS = learn_filters(IMAGES, 16)


def slow_answers(image: Images, filters: PatchFilters) -> np.ndarray:
    """Returns the averages over 4 x 4 overlapping windows, place by place."""
    centres = [0, 13 / 3, 26 / 3, 13]
    sums = np.zeros((2, 4, 4, len(filters.offsets)))
    for down, top in enumerate(_PLACES):
        for right, left in enumerate(_PLACES):
            patch = image[top : top + PATCH_PX, left : left + PATCH_PX].astype(float)
            patch = patch.transpose(2, 0, 1).ravel()
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + 10)
            answer = patch @ filters.weights - filters.offsets
            for row, at_row in enumerate(centres):
                for column, at_column in enumerate(centres):
                    weight = max(0, 1 - abs(down - at_row) / (13 / 3))
                    weight *= max(0, 1 - abs(right - at_column) / (13 / 3))
                    sums[0, row, column] += weight * np.maximum(answer - 0.5, 0)
                    sums[1, row, column] += weight * np.maximum(-answer - 0.5, 0)
    totals = [
        sum(max(0, 1 - abs(at - centre) / (13 / 3)) for at in range(14)) for centre in centres
    ]
    return sums / np.outer(totals, totals)[None, :, :, None]


def test_features_are_averaged_answers_of_an_image_and_its_mirror_image() -> None:
    image = IMAGES[0]
    both = (slow_answers(image, FILTERS) + slow_answers(image[:, ::-1], FILTERS)) / 2
    described = describe_images(image[None], FILTERS)
    assert described.shape == (1, FILTERS.n_features) == (1, 512)
    assert described.dtype == np.float32
    np.testing.assert_allclose(described[0], np.sqrt(both).ravel(), atol=2e-3)


def test_a_mirrored_image_has_the_same_features() -> None:
    mirrored = describe_images(IMAGES[:4, :, ::-1], FILTERS)
    np.testing.assert_allclose(mirrored, describe_images(IMAGES[:4], FILTERS), atol=1e-3)


def test_the_features_of_an_image_do_not_depend_on_those_beside_it() -> None:
    together = describe_images(IMAGES[:5], FILTERS)
    np.testing.assert_allclose(together[3], describe_images(IMAGES[3:4], FILTERS)[0], atol=1e-3)


def test_filters_are_the_same_every_time_and_differ_from_each_other() -> None:
    again = learn_filters(IMAGES, 16)
    np.testing.assert_array_equal(again.weights, FILTERS.weights)
    np.testing.assert_array_equal(again.offsets, FILTERS.offsets)
    assert np.linalg.matrix_rank(FILTERS.weights) == 16


@pytest.mark.parametrize("level", [0, 128, 255])
def test_images_of_one_colour_have_finite_features(level: int) -> None:
    flat = np.full((20, SIDE_PX, SIDE_PX, 3), level, np.uint8)
    filters = learn_filters(flat, 8)
    assert np.isfinite(filters.weights).all()
    assert np.isfinite(describe_images(flat, filters)).all()


def test_few_patches_make_many_filters() -> None:
    filters = learn_filters(IMAGES[:1], 64)
    assert filters.weights.shape == (108, 64)
    assert np.isfinite(filters.weights).all()
