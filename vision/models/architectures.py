"""Feature extractors: from normalised images to a feature map.

Each architecture says how pixels 0..255 are normalised and which layers make the feature map
``(n, map_height, map_width, channels)`` that the head pools. Weights come from a local file or are
random; nothing is downloaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vision.errors import ModelError

# The feature map is made no smaller than this, so that the activation map has something to show.
_SMALLEST_MAP_PX = 8
_SMALL_CNN_CHANNELS = (32, 64, 128, 192, 256)


def feature_map(
    architecture: str, images: Any, input_size: tuple[int, int], weights: Path | None
) -> Any:
    """Returns the symbolic feature map of an architecture over uint8 images.

    Args:
      architecture: a key of ``ARCHITECTURES``.
      images: symbolic ``(n, height, width, 3)`` tensor in 0..255.
      input_size: ``(height, width)`` in pixels.
      weights: a file of weights for the backbone.

    Raises:
      ModelError: the weights do not fit the backbone.
    """
    return ARCHITECTURES[architecture](images, input_size, weights)


def _small_cnn(images: Any, input_size: tuple[int, int], weights: Path | None) -> Any:
    from keras import layers

    assert weights is None, "the configuration refuses weights for it"
    features = layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(images)
    for level in range(_n_levels(input_size)):
        if level:
            features = layers.MaxPooling2D(name=f"pool_{level}")(features)
        for repeat in range(2 if level else 1):
            features = _convolution(features, _SMALL_CNN_CHANNELS[level], f"{level}_{repeat}")
    return features


def _convolution(features: Any, channels: int, name: str) -> Any:
    from keras import layers

    features = layers.Conv2D(
        channels,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"conv_{name}",
    )(features)
    features = layers.BatchNormalization(momentum=0.9, name=f"norm_{name}")(features)
    return layers.ReLU(name=f"relu_{name}")(features)


def _n_levels(input_size: tuple[int, int]) -> int:
    levels = 1
    while levels < len(_SMALL_CNN_CHANNELS) and min(input_size) >> levels >= _SMALLEST_MAP_PX:
        levels += 1
    return levels


def _mobilenet_v3_small(images: Any, input_size: tuple[int, int], weights: Path | None) -> Any:
    from keras import applications, layers

    features = layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(images)
    backbone = applications.MobileNetV3Small(
        input_shape=(*input_size, 3),
        include_top=False,
        weights=None,
        include_preprocessing=False,
    )
    return _with_weights(backbone, weights)(features)


def _efficientnet_v2_b0(images: Any, input_size: tuple[int, int], weights: Path | None) -> Any:
    from keras import applications, layers

    # The backbone's own Normalization layer holds eager tensors, which do not convert to ONNX.
    # These are the same constants: ImageNet's channel means and deviations on 0..1.
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    features = layers.Rescaling(
        scale=[1 / (255 * d) for d in deviation],
        offset=[-m / d for m, d in zip(mean, deviation, strict=True)],
        name="normalise",
    )(images)
    backbone = applications.EfficientNetV2B0(
        input_shape=(*input_size, 3),
        include_top=False,
        weights=None,
        include_preprocessing=False,
    )
    return _with_weights(backbone, weights)(features)


def _resnet50(images: Any, input_size: tuple[int, int], weights: Path | None) -> Any:
    from keras import applications, layers, ops

    # ResNet50's published weights expect blue, green, red with these means removed, unscaled.
    reversed_channels = ops.flip(images, axis=-1)
    features = layers.Rescaling(scale=1.0, offset=[-103.939, -116.779, -123.68], name="normalise")(
        reversed_channels
    )
    backbone = applications.ResNet50(input_shape=(*input_size, 3), include_top=False, weights=None)
    return _with_weights(backbone, weights)(features)


def _with_weights(backbone: Any, weights: Path | None) -> Any:
    if weights is None:
        return backbone
    try:
        with warnings.catch_warnings():
            # Keras only warns where a layer finds no weights and keeps its random ones.
            warnings.filterwarnings("error", message="Skipping nested container")
            backbone.load_weights(str(weights))
    except (ValueError, OSError, UserWarning) as error:
        raise ModelError(
            f"model.weights = {weights}: not weights of {backbone.name} without its top layers "
            f"({error}); give the file that keras.applications publishes as 'notop', or remove "
            "model.weights to train from scratch"
        ) from error
    return backbone


ARCHITECTURES: dict[str, Callable[[Any, tuple[int, int], Path | None], Any]] = {
    "small_cnn": _small_cnn,
    "mobilenet_v3_small": _mobilenet_v3_small,
    "efficientnet_v2_b0": _efficientnet_v2_b0,
    "resnet50": _resnet50,
}
