"""Both backends do what the policy says, and the same for the same key."""

import numpy as np
import pytest
from pydantic import ValidationError

from vision.augmentation import build_augmenter
from vision.config.augmentation import AugmentationConfig, Operation

BACKENDS = ("imgaug", "keras")


def augmenter(backend: str, *operations: dict):
    policy = tuple(Operation.model_validate(operation) for operation in operations)
    return build_augmenter(AugmentationConfig(backend=backend, policy=policy))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 16, 12, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    image = np.full((4, 32, 32, 3), 100, np.uint8)
    image[:, 12:20, 12:20] = 150
    return image


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_key_alone_decides(backend, images):
    default = build_augmenter(AugmentationConfig(backend=backend))
    first = default(images, 5)
    default(images, 6)
    again = default(images, 5)
    assert first.dtype == np.uint8
    assert first.shape == images.shape
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, default(images, 6))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_input_is_left_alone(backend, images):
    before = images.copy()
    build_augmenter(AugmentationConfig(backend=backend))(images, 1)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("backend", BACKENDS)
def test_brightness_adds_one_level_to_every_pixel(backend, square):
    varied = augmenter(backend, {"brightness": {"add": [30, 30]}})(square, 1)
    np.testing.assert_allclose(varied.astype(int), square.astype(int) + 30, atol=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_brightness_stays_within_the_default_bounds(backend, square):
    varied = augmenter(backend, {"brightness": {"add": [-30, 30]}})(np.repeat(square, 50, 0), 1)
    change = varied[:, 0, 0, 0].astype(int) - 100
    assert change.min() >= -31
    assert change.max() <= 31
    assert change.min() < -20
    assert change.max() > 20


@pytest.mark.parametrize("backend", BACKENDS)
def test_flips_mirror_exactly(backend, images):
    mirrored = augmenter(backend, {"flip_horizontal": {}})(images, 1)
    np.testing.assert_array_equal(mirrored, images[:, :, ::-1])
    mirrored = augmenter(backend, {"flip_vertical": {}})(images, 1)
    np.testing.assert_array_equal(mirrored, images[:, ::-1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_probability_is_the_share_of_images(backend):
    images = np.random.default_rng(1).integers(0, 256, (2000, 4, 4, 3), dtype=np.uint8)
    varied = augmenter(backend, {"flip_horizontal": {"probability": 0.5}})(images, 3)
    share = (varied != images).any(axis=(1, 2, 3)).mean()
    assert share == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("backend", BACKENDS)
def test_scale_zooms_about_the_centre(backend, square):
    varied = augmenter(backend, {"scale": {"factor": [2.0, 2.0]}})(square, 1)
    bright = (varied[0, :, :, 0] > 125).sum()
    assert bright == pytest.approx(4 * 64, rel=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_contrast_scales_about_mid_grey(backend, square):
    varied = augmenter(backend, {"contrast": {"factor": [2.0, 2.0]}})(square, 1)
    assert varied.min() == pytest.approx(127 - 2 * 27, abs=1)
    assert varied.max() == pytest.approx(127 + 2 * 23, abs=1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_rotation_by_a_right_angle_moves_the_corner(backend):
    image = np.zeros((2, 31, 31, 3), np.uint8)
    image[:, :8, :8] = 200
    varied = augmenter(backend, {"rotate": {"degrees": [180, 180]}})(image, 1)
    assert varied[0, -4, -4, 0] > 150
    assert varied[0, 3, 3, 0] < 50


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_of_applies_exactly_one(backend, square):
    many = np.repeat(square, 100, axis=0)
    policy = {
        "one_of": [
            {"brightness": {"add": [20, 20]}},
            {"brightness": {"add": [-20, -20]}},
        ]
    }
    change = augmenter(backend, policy)(many, 2)[:, 0, 0, 0].astype(int) - 100
    rounded = {int(round(value, -1)) for value in change}
    assert rounded == {20, -20}
    assert (change > 0).mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "operation",
    [
        {"blur": {"sigma_px": [1.0, 1.0]}},
        {"translate": {"share": [0.1, 0.1]}},
        {"noise": {"sigma": [10.0, 10.0]}},
    ],
)
def test_every_other_operation_runs_in_both_backends(backend, operation, square):
    varied = augmenter(backend, operation)(square, 1)
    assert varied.shape == square.shape
    assert not np.array_equal(varied, square)


def test_none_changes_nothing(images):
    untouched = build_augmenter(AugmentationConfig(backend="none"))(images, 1)
    np.testing.assert_array_equal(untouched, images)


def test_an_entry_with_two_operations_is_refused():
    with pytest.raises(ValidationError, match="exactly one operation, found brightness and rotate"):
        Operation.model_validate({"brightness": {"add": [0, 1]}, "rotate": {"degrees": [0, 1]}})
