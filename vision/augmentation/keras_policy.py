"""The policy as Keras preprocessing layers; the second backend.

The layers run on the CPU, on whichever thread asks for the batch. A layer's seed generator is set
from the batch's key before each call, so a batch does not depend on those before it. Mirroring,
contrast and noise are a line of NumPy each: Keras' RandomFlip cannot flip always, and its
RandomContrast scales about each image's mean, where imgaug scales about mid-grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from vision.config.augmentation import Operation, Sometimes
from vision.image_source import Images
from vision.quiet import import_tensorflow

Floats = np.ndarray[Any, np.dtype[np.float32]]
# imgaug's LinearContrast scales about the same level.
_MID_GREY = 127
Variation = Callable[[Floats, np.random.Generator], Floats]


class KerasAugmenter:
    """Applies a policy with Keras layers."""

    def __init__(self, policy: Sequence[Operation]) -> None:
        tensorflow = import_tensorflow()
        self._device: Callable[[str], Any] = tensorflow.device
        with self._device("CPU:0"):
            self._variations = [_variation(operation) for operation in policy]

    def __call__(self, images: Images, key: int) -> Images:
        """Returns the batch augmented; ``key`` decides every random draw."""
        rng = np.random.default_rng(key)
        varied: Floats = images.astype(np.float32)
        with self._device("CPU:0"):
            for variation in self._variations:
                varied = variation(varied, rng)
        return np.clip(np.rint(varied), 0, 255).astype(np.uint8)


def _variation(operation: Operation) -> Variation:
    if operation.one_of is not None:
        return _one_of([_variation(choice) for choice in operation.one_of])
    chosen: Sometimes = getattr(operation, operation.name)
    return _sometimes(chosen.probability, _always(operation))


def _one_of(choices: Sequence[Variation]) -> Variation:
    def vary(images: Floats, rng: np.random.Generator) -> Floats:
        choice = rng.integers(len(choices), size=len(images))
        result = images
        for index, variation in enumerate(choices):
            chosen = (choice == index)[:, None, None, None]
            result = np.where(chosen, variation(images, rng), result)
        return result

    return vary


def _sometimes(probability: float, variation: Variation) -> Variation:
    def vary(images: Floats, rng: np.random.Generator) -> Floats:
        varied = variation(images, rng)
        applied = rng.random(len(images)) < probability
        return np.where(applied[:, None, None, None], varied, images)

    return vary


def _always(operation: Operation) -> Variation:
    if operation.flip_horizontal:
        return lambda images, rng: images[:, :, ::-1]
    if operation.flip_vertical:
        return lambda images, rng: images[:, ::-1]
    if operation.contrast:
        return partial(_with_contrast, factor=operation.contrast.factor)
    if operation.noise:
        return partial(_with_noise, sigma=operation.noise.sigma)
    return _with_layer(_layer(operation))


def _with_contrast(images: Floats, rng: np.random.Generator, factor: tuple[float, float]) -> Floats:
    scale = rng.uniform(*factor, size=(len(images), 1, 1, 1))
    varied: Floats = np.clip(_MID_GREY + scale * (images - _MID_GREY), 0, 255).astype(np.float32)
    return varied


def _with_noise(images: Floats, rng: np.random.Generator, sigma: tuple[float, float]) -> Floats:
    scale = rng.uniform(*sigma, size=(len(images), 1, 1, 1))
    noisy = images + scale * rng.standard_normal(images.shape)
    varied: Floats = np.clip(noisy, 0, 255).astype(np.float32)
    return varied


def _with_layer(layer: Any) -> Variation:
    def vary(images: Floats, rng: np.random.Generator) -> Floats:
        # The whole state of Keras' generator is two numbers; both are replaced.
        layer.generator.state.assign(rng.integers(2**31, size=2))
        varied: Floats = np.asarray(layer(images, training=True), dtype=np.float32)
        return varied

    return vary


def _layer(operation: Operation) -> Any:
    from keras import layers

    if operation.brightness:
        low, high = operation.brightness.add
        return layers.RandomBrightness((low / 255, high / 255), value_range=(0, 255))
    if operation.rotate:
        low, high = operation.rotate.degrees
        return layers.RandomRotation((low / 360, high / 360), fill_mode="nearest")
    if operation.scale:
        low, high = operation.scale.factor
        # Keras states zoom as the share of the source that is shown beyond all of it.
        return layers.RandomZoom((1 / high - 1, 1 / low - 1), fill_mode="nearest")
    if operation.blur:
        sigma = operation.blur.sigma_px
        return layers.RandomGaussianBlur(kernel_size=5, sigma=sigma, value_range=(0, 255))
    assert operation.translate is not None
    share = operation.translate.share
    return layers.RandomTranslation(share, share, fill_mode="nearest")
