"""The encoder of the untrained autoencoder (UAE), as drift detectors see images.

Random convolutions keep enough of an image that a shift of its statistics shows in a handful of
numbers (Rabanser, Günnemann and Lipton 2019, "Failing Loudly", section 3). Nothing is learnt, so
the encoder is the same for every model with the same input size, dimensions and seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.quiet import import_tensorflow

# Images are averaged down towards this, so that the cost does not grow with the input size.
_SIDE_PX = 32
_CHANNELS = (16, 32, 64)
_KERNEL_PX = 4

Weights = npt.NDArray[np.float32]


def untrained_encoder(
    input_size: tuple[int, int], dimensions: int, seed: int
) -> Callable[[Any], Any]:
    """Returns a function from float32 images in 0..255 to embeddings.

    Args:
      input_size: ``(height, width)`` of the images in pixels.
      dimensions: length of an embedding.
      seed: decides the weights.

    Returns:
      a function from ``(n, height, width, 3)`` to ``(n, dimensions)``, in TensorFlow operations
      whose weights are constants, so that it can become part of an exported graph.
    """
    tensorflow = import_tensorflow()
    factor = max(1, min(input_size) // _SIDE_PX)
    kernels = _kernels(seed)
    side = [-(-(extent // factor) // 2 ** len(kernels)) for extent in input_size]
    n_features = side[0] * side[1] * _CHANNELS[-1]
    projection = _he_normal(np.random.default_rng((seed, 1)), (n_features, dimensions), n_features)

    def encode(images: Any) -> Any:
        features = images / 255.0
        if factor > 1:
            features = tensorflow.nn.avg_pool2d(features, factor, factor, "VALID")
        for kernel in kernels:
            features = tensorflow.nn.conv2d(features, tensorflow.constant(kernel), 2, "SAME")
            features = tensorflow.nn.relu(features)
        flat = tensorflow.reshape(features, (-1, n_features))
        return tensorflow.linalg.matmul(flat, tensorflow.constant(projection))

    return encode


def _kernels(seed: int) -> list[Weights]:
    rng = np.random.default_rng((seed, 0))
    kernels = []
    n_in = 3
    for n_out in _CHANNELS:
        shape = (_KERNEL_PX, _KERNEL_PX, n_in, n_out)
        kernels.append(_he_normal(rng, shape, fan_in=_KERNEL_PX**2 * n_in))
        n_in = n_out
    return kernels


def _he_normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> Weights:
    return np.asarray(rng.standard_normal(shape) * np.sqrt(2.0 / fan_in), dtype=np.float32)
