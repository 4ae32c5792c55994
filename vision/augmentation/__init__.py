"""Augmentation of training batches by a policy from the configuration.

An augmenter takes ``(n, height, width, 3)`` RGB uint8 images and a key, and returns as many images
of the same shape and type. The same images, policy and key give the same result, whatever ran
before and on whichever thread.
"""

from __future__ import annotations

from collections.abc import Callable

from vision.config import AugmentationConfig
from vision.image_source import Images

Augmenter = Callable[[Images, int], Images]


def build_augmenter(config: AugmentationConfig) -> Augmenter:
    """Returns the augmenter of the configured backend; ``none`` returns the images unchanged."""
    if config.backend == "imgaug":
        from vision.augmentation.imgaug_policy import ImgaugAugmenter

        return ImgaugAugmenter(config.policy)
    if config.backend == "keras":
        from vision.augmentation.keras_policy import KerasAugmenter

        return KerasAugmenter(config.policy)
    return lambda images, key: images
