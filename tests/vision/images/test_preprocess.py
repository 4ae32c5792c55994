"""Resizing: sizes, identity, means, and one path for every caller."""

from __future__ import annotations

import numpy as np
import pytest

from tests.corpus import encode, picture
from vision.images import decode_image, load_image, resize_image


@pytest.mark.parametrize("input_size", [(8, 8), (20, 61), (64, 32), (200, 10), (43, 61)])
def test_shape_is_height_by_width(input_size: tuple[int, int]) -> None:
    resized = resize_image(np.asarray(picture()), input_size)
    assert resized.shape == (*input_size, 3)
    assert resized.dtype == np.uint8
    assert resized.flags.c_contiguous


def test_right_size_is_left_alone() -> None:
    image = np.asarray(picture())
    assert resize_image(image, (43, 61)) is image


def test_shrinking_averages_areas() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, ::2] = 200
    assert (resize_image(image, (2, 2)) == 100).all()


@pytest.mark.parametrize("input_size", [(5, 7), (90, 130)])
def test_constant_stays_constant(input_size: tuple[int, int]) -> None:
    image = np.full((43, 61, 3), (10, 20, 30), np.uint8)
    assert (resize_image(image, input_size) == (10, 20, 30)).all()


def test_load_is_decode_then_resize() -> None:
    data = encode(picture(), "JPEG")
    expected = resize_image(decode_image(data), (32, 24))
    np.testing.assert_array_equal(load_image(data, (32, 24)), expected)
