"""Describes images by learned patches, without labels, pretrained weights or a deep network.

Single-layer unsupervised convolutional features: Coates, Lee and Ng, "An Analysis of Single-Layer
Networks in Unsupervised Feature Learning" (AISTATS 2011), sections 3.2 to 3.4. Images are
(n, 32, 32, 3) RGB uint8; patches are 6 x 6 pixels, every second one in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SIDE_PX = 32
PATCH_PX = 6
_STRIDE_PX = 2
_PATCH_SIZE = PATCH_PX * PATCH_PX * 3
_N_FILTERS = 256
_PATCHES_PER_IMAGE = 40
_ROUNDS = 8
# Added to variances: of a patch in grey levels squared, of a whitened direction (section 3.2).
_CONTRAST_FLOOR = 10.0
_WHITENING_FLOOR = 0.1
# What a filter's answer must exceed to count. With 0.25 the features were a little worse.
_THRESHOLD = 0.5
# Windows per side that answers are averaged over; they overlap by half, fading out linearly.
# On CIFAR-10, 2 x 2 windows with hard borders cost three points of accuracy.
_GRID = 4


@dataclass(frozen=True)
class PatchFilters:
    """Filters learned from patches.

    Attributes:
      weights: (108, n_filters), for patches of unit contrast; whitening included.
      offsets: (n_filters,), subtracted from their answers.
    """

    weights: Floats
    offsets: Floats

    @property
    def n_features(self) -> int:
        """Length of the description of an image."""
        return 2 * _GRID * _GRID * self.weights.shape[1]


def learn_filters(images: Images, n_filters: int = _N_FILTERS) -> PatchFilters:
    """Learns filters by spherical k-means over whitened patches.

    Args:
      images: (n, 32, 32, 3) RGB uint8; a thousand are plenty.
      n_filters: how many to learn.
    """
    patches = _draw_patches(images)
    mean = patches.mean(0)
    spread, directions = np.linalg.eigh(np.cov(patches.T).astype(np.float32))
    whitening = (directions / np.sqrt(np.maximum(spread, 0) + _WHITENING_FLOOR)) @ directions.T
    centres = _cluster((patches - mean) @ whitening, n_filters)
    weights = whitening @ centres.T
    return PatchFilters(weights.astype(np.float32), (mean @ weights).astype(np.float32))


def describe_images(images: Images, filters: PatchFilters) -> Floats:
    """Returns the features of images: (n, n_features) float32, all >= 0.

    A mirrored image has the same features. The square root evens out large and small answers.
    """
    pixels = images.astype(np.float32)
    described = _answers(pixels, filters)
    described += _answers(np.ascontiguousarray(pixels[:, :, ::-1]), filters)
    rooted: Floats = np.sqrt(np.maximum(described / 2, 0), dtype=np.float32)
    return rooted.reshape(len(images), -1)


def _answers(pixels: Floats, filters: PatchFilters) -> Floats:
    patches = _take_patches(pixels)
    n_images, height, width, _ = patches.shape
    answers = _even_contrast(patches).reshape(-1, _PATCH_SIZE) @ filters.weights
    answers -= filters.offsets
    answers = answers.reshape(n_images, height * width, -1)
    windows = _windows(height)
    # The windows' weights add up to 1, so what is added to every answer can go after averaging.
    above = windows @ np.maximum(answers, _THRESHOLD) - _THRESHOLD
    below = windows @ np.minimum(answers, -_THRESHOLD) + _THRESHOLD
    return np.stack([above, -below], axis=1)


def _windows(n_places: int) -> Floats:
    """Returns the weight of every place in every window: (n_windows, n_places ** 2)."""
    centres = np.linspace(0, n_places - 1, _GRID)
    distances = np.abs(np.arange(n_places) - centres[:, None])
    fading = np.maximum(0, 1 - distances * (_GRID - 1) / (n_places - 1))
    fading /= fading.sum(1, keepdims=True)
    return np.kron(fading, fading).astype(np.float32)


def _take_patches(pixels: Floats) -> Floats:
    sides, axes = (PATCH_PX, PATCH_PX), (1, 2)
    # NumPy 1.26 annotates axis as one number.
    view = np.lib.stride_tricks.sliding_window_view(pixels, sides, axes)  # type: ignore[call-overload]
    view = view[:, ::_STRIDE_PX, ::_STRIDE_PX]
    return np.ascontiguousarray(view).reshape(*view.shape[:3], _PATCH_SIZE)


def _even_contrast(patches: Floats) -> Floats:
    """Takes from each patch its mean and divides by its deviation, in place."""
    patches -= patches.mean(-1, keepdims=True)
    variance = np.einsum("...i,...i->...", patches, patches) / patches.shape[-1]
    patches /= np.sqrt(variance + _CONTRAST_FLOOR)[..., None]
    return patches


def _draw_patches(images: Images) -> Floats:
    """Returns patches from random places of every image: (n, 108)."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, SIDE_PX - PATCH_PX + 1, (len(images), _PATCHES_PER_IMAGE, 2))
    drawn: Sequence[Images] = [
        image[top : top + PATCH_PX, left : left + PATCH_PX].transpose(2, 0, 1)
        for image, corners in zip(images, places, strict=True)
        for top, left in corners
    ]
    return _even_contrast(np.stack(drawn).reshape(-1, _PATCH_SIZE).astype(np.float32))


def _cluster(points: Floats, n_clusters: int) -> Floats:
    """Returns unit vectors that points gather around (section 3.2.3, with cosine similarity)."""
    from scipy.sparse import csr_matrix

    chosen = np.random.default_rng(1).choice(len(points), n_clusters, len(points) < n_clusters)
    centres = _to_unit_length(points[chosen])
    rows = np.arange(len(points))
    for _ in range(_ROUNDS):
        likeness = points @ centres.T
        nearest = likeness.argmax(1)
        shape = (n_clusters, len(points))
        weights = csr_matrix((likeness[rows, nearest], (nearest, rows)), shape=shape)
        # The old centre stays in, so that one without points does not vanish.
        centres = _to_unit_length(weights @ points + centres)
    return centres


def _to_unit_length(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), np.float32)
