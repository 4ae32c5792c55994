"""Corruptions of single images; which there are and how strong: :mod:`vision.drift.corruptions`.

Images are ``(h, w, 3)`` RGB uint8 of any size; each function returns a new one of that size, and
gray stays gray.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vision.images.types import Pixels

Rng = np.random.Generator


def blur(image: Pixels, share: float, rng: Rng) -> Pixels:
    """Blurs with a deviation that is a share of the shorter side, in no image below 0.4 px."""
    # Less than 0.4 px mixes a pixel with hardly 4 % of its neighbours'.
    deviation = max(share * min(image.shape[:2]), 0.2 + 20 * share)
    blurred = cv2.GaussianBlur(image, (0, 0), deviation, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def noise(image: Pixels, share: float, rng: Rng) -> Pixels:
    """Adds noise with a deviation that is a share of the range of a pixel."""
    # The same in all channels where they are equal: a gray camera has no colourful noise.
    n_channels = 1 if is_gray(image) else 3
    drawn = rng.normal(0.0, share * 255, (*image.shape[:2], n_channels))
    return _as_pixels(image + drawn)


def dark(image: Pixels, factor: float, rng: Rng) -> Pixels:
    """Leaves a share of the light."""
    return _as_pixels(image * factor)


def bright(image: Pixels, share: float, rng: Rng) -> Pixels:
    """Adds a share of the range of a pixel."""
    return _as_pixels(image + share * 255)


def contrast(image: Pixels, left: float, rng: Rng) -> Pixels:
    """Leaves a share of each channel's distance to its mean."""
    mean = image.mean(axis=(0, 1))
    return _as_pixels(mean + (image - mean) * left)


def jpeg(image: Pixels, quality: float, rng: Rng) -> Pixels:
    """Saves as JPEG of a quality, 1 to 100, and reads it again."""
    # Without colour where there is none: rounding would bring in a little.
    stored = image[..., 0] if is_gray(image) else image[..., ::-1]
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    encoded = cv2.imencode(".jpg", np.ascontiguousarray(stored), options)[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def shift(image: Pixels, share: float, rng: Rng) -> Pixels:
    """Moves to the right and down by a share of the sides, at least 1 px; edges are repeated."""
    rows, columns = (_moved(side, share) for side in image.shape[:2])
    return np.ascontiguousarray(image[rows][:, columns])


def _moved(side: int, share: float) -> npt.NDArray[np.intp]:
    return np.maximum(np.arange(side) - max(1, round(side * share)), 0)


def crop(image: Pixels, left: float, rng: Rng) -> Pixels:
    """Enlarges the middle; a share of each side is left."""
    height, width = image.shape[:2]
    rows, columns = _middle(height, left), _middle(width, left)
    return _fit(image[rows, columns], (height, width))


def _middle(side: int, left: float) -> slice:
    n_kept = max(1, round(side * left))
    start = (side - n_kept) // 2
    return slice(start, start + n_kept)


def swap_channels(image: Pixels, images: Sequence[Pixels], rng: Rng) -> Pixels:
    """Exchanges red and blue."""
    return np.ascontiguousarray(image[..., ::-1])


def new_thing(image: Pixels, images: Sequence[Pixels], rng: Rng) -> Pixels:
    """Joins corners of four of the images, each in the opposite corner and upside down."""
    made = image.copy()
    others = rng.choice(len(images), size=4, replace=len(images) < 4)
    for corner, other in enumerate(others):
        # The halves of a side of 1 px are nothing and all of it.
        cell = made[_half(made.shape[0], corner // 2), _half(made.shape[1], corner % 2)]
        source = images[other]
        taken = source[
            _half(source.shape[0], 1 - corner // 2), _half(source.shape[1], 1 - corner % 2)
        ]
        if cell.size and taken.size:
            cell[:] = _fit(taken[::-1], cell.shape[:2])
    return made


def _half(side: int, which: int) -> slice:
    return slice(0, side // 2) if which == 0 else slice(side // 2, side)


def is_gray(image: Pixels) -> bool:
    """Whether the three channels are equal."""
    return bool((image[..., :1] == image).all())


def _fit(image: Pixels, size: tuple[int, ...]) -> Pixels:
    height, width = size
    resized = cv2.resize(
        np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(resized, np.uint8)


def _as_pixels(values: npt.NDArray[Any]) -> Pixels:
    pixels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return pixels
