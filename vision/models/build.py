"""Builds and loads the classifiers.

A classifier takes ``(n, height, width, 3)`` RGB uint8 images and returns ``(n, n_classes)``
float32 probabilities. Normalisation is part of the model, so no caller can get it wrong. Its last
layers are always: a feature map, global average pooling ``pool``, dropout, one dense layer
``logits``, and ``probabilities``. The serving graph relies on these names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.config import ModelConfig, TrainingConfig
from vision.errors import ModelError
from vision.models.architectures import feature_map
from vision.quiet import import_tensorflow


def build_model(model: ModelConfig, training: TrainingConfig, n_classes: int) -> Any:
    """Returns an uncompiled ``keras.Model``; set the seed before for the same initial weights.

    Args:
      model: architecture, input size and backbone weights.
      training: gives the head's dropout.
      n_classes: number of classes, at least 2.

    Raises:
      ModelError: the backbone's weights do not fit, or there are fewer than two classes.
    """
    if n_classes < 2:
        raise ModelError(f"n_classes = {n_classes}: a classifier needs at least two classes")
    import_tensorflow()
    import keras
    from keras import layers

    images = keras.Input((*model.input_size, 3), dtype="uint8", name="images")
    features = feature_map(model.architecture, images, model.input_size, model.weights)
    pooled = layers.GlobalAveragePooling2D(name="pool")(features)
    dropped = layers.Dropout(training.dropout, name="dropout")(pooled)
    # float32 whatever the precision policy: softmax and the loss lose accuracy in half precision.
    logits = layers.Dense(n_classes, dtype="float32", name="logits")(dropped)
    probabilities = layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
    return keras.Model(images, probabilities, name=model.architecture)


def load_model(path: Path) -> Any:
    """Loads a ``.keras`` file in safe mode: code stored in it is refused, never run.

    Raises:
      ModelError: the file is no ``.keras`` file, is damaged, or holds a Lambda layer.
    """
    if path.suffix != ".keras":
        raise ModelError(
            f"{path}: models are .keras files; save the model again with model.save('name.keras')"
        )
    import_tensorflow()
    import keras

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise ModelError(
            f"{path} cannot be loaded in safe mode ({error}); it is damaged or holds code such as "
            "a Lambda layer; train again, or take the file from another bundle"
        ) from error


def predictor(model: Any) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """Returns a function from ``(n, height, width, 3)`` RGB uint8 to ``(n, k)`` probabilities.

    The model is traced once for any number of images.
    """
    tensorflow = import_tensorflow()
    shape = (None, *model.input_shape[1:])
    traced = tensorflow.function(
        lambda images: model(images, training=False),
        input_signature=[tensorflow.TensorSpec(shape, tensorflow.uint8)],
    )

    def predict(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.asarray(traced(images), dtype=np.float32)

    return predict
