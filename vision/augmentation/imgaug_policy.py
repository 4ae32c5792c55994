"""The policy as imgaug augmenters; the default backend.

One augmenter is built for each batch and seeded from the batch's key. imgaug's own state would
depend on the order in which batches are drawn: ``seed=`` on a ``Sequential`` does not reach its
children, and a shared augmenter under parallel calls is not reproducible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import vision.augmentation.numpy_names  # noqa: F401  (must come before imgaug)
from vision.config.augmentation import Operation, Sometimes
from vision.image_source import Images


class ImgaugAugmenter:
    """Applies a policy with imgaug."""

    def __init__(self, policy: Sequence[Operation]) -> None:
        self._policy = tuple(policy)

    def __call__(self, images: Images, key: int) -> Images:
        """Returns the batch augmented; ``key`` decides every random draw."""
        import imgaug.augmenters as iaa

        augmenter = iaa.Sequential([_build(operation) for operation in self._policy])
        augmenter.seed_(key)
        augmented = augmenter(images=images)
        return np.ascontiguousarray(augmented, dtype=np.uint8)


def _build(operation: Operation) -> Any:
    import imgaug.augmenters as iaa

    if operation.one_of is not None:
        return iaa.OneOf([_build(choice) for choice in operation.one_of])
    chosen: Sometimes = getattr(operation, operation.name)
    augmenter = _augmenter(operation)
    return augmenter if chosen.probability == 1.0 else iaa.Sometimes(chosen.probability, augmenter)


def _augmenter(operation: Operation) -> Any:
    import imgaug.augmenters as iaa

    if operation.brightness:
        return iaa.Add(operation.brightness.add)
    if operation.contrast:
        return iaa.LinearContrast(operation.contrast.factor)
    if operation.flip_horizontal:
        return iaa.Fliplr(1.0)
    if operation.flip_vertical:
        return iaa.Flipud(1.0)
    if operation.blur:
        return iaa.GaussianBlur(operation.blur.sigma_px)
    if operation.noise:
        return iaa.AdditiveGaussianNoise(scale=operation.noise.sigma, per_channel=True)
    return iaa.Affine(**_geometry(operation), order=1, mode="edge", backend="cv2")


def _geometry(operation: Operation) -> dict[str, Any]:
    if operation.rotate:
        return {"rotate": operation.rotate.degrees}
    if operation.scale:
        return {"scale": operation.scale.factor}
    assert operation.translate is not None
    share = operation.translate.share
    return {"translate_percent": {"x": share, "y": share}}
