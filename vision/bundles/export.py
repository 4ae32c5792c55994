"""From a Keras classifier to the one graph that is served.

The graph takes ``images``, ``(n, height, width, 3)`` RGB uint8, and gives ``probabilities``,
``embedding_uae``, ``embedding_bbsd``, ``embedding_penultimate`` and ``activation_map`` in one call.
It is ONNX, opset 17.

The activation map is Grad-CAM (Selvaraju et al. 2017, section 3) of the winning class. Behind
global average pooling and one dense layer, the gradient of a logit by the feature map is that
logit's weights divided by the map's area, so no gradient enters the graph.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from vision.config import DriftConfig
from vision.errors import ModelError
from vision.models.untrained_encoder import untrained_encoder
from vision.quiet import import_tensorflow, without_known_lines

OPSET = 17


def serving_function(model: Any, drift: DriftConfig) -> Callable[[Any], dict[str, Any]]:
    """Returns the function that becomes the graph, in TensorFlow operations.

    Args:
      model: a classifier of :mod:`vision.models.build`.
      drift: what the encoders are.

    Returns:
      a function from uint8 images to the five outputs by name.

    Raises:
      ModelError: there is no layer ``drift.bbsd_layer``.
    """
    tensorflow = import_tensorflow()
    import keras

    pool, watched = model.get_layer("pool"), _layer(model, drift.bbsd_layer)
    outputs = [pool.input, *model.outputs, pool.output, watched.output]
    extractor = keras.Model(model.input, outputs)
    project = _projection(pool.output.shape[-1], drift)
    # Eager tensors would become inputs of the graph that nobody feeds; NumPy arrays do not.
    weights = np.asarray(model.get_layer("logits").kernel, dtype=np.float32)
    input_size = tuple(model.input_shape[1:3])
    encode = untrained_encoder(input_size, drift.encoder_dimensions, drift.encoder_seed)

    def serve(images: Any) -> dict[str, Any]:
        features, probabilities, pooled, shown = extractor(images, training=False)
        features = tensorflow.cast(features, tensorflow.float32)
        area = float(features.shape[1] * features.shape[2])
        winners = tensorflow.argmax(probabilities, axis=1)
        slopes = tensorflow.gather(tensorflow.constant(weights.T), winners) / area
        weighed = tensorflow.reduce_sum(features * slopes[:, None, None, :], axis=-1)
        return {
            "probabilities": probabilities,
            "embedding_uae": encode(tensorflow.cast(images, tensorflow.float32)),
            "embedding_bbsd": tensorflow.identity(_as_rows(shown)),
            "embedding_penultimate": tensorflow.identity(
                project(tensorflow.cast(pooled, tensorflow.float32))
            ),
            "activation_map": tensorflow.nn.relu(weighed),
        }

    return serve


def _layer(model: Any, name: str) -> Any:
    layers = [layer.name for layer in model.layers]
    if name in layers:
        return model.get_layer(name)
    near = get_close_matches(name, layers, 1)
    hint = f"did you mean {near[0]}?" if near else f"the last ones are {', '.join(layers[-4:])}"
    raise ModelError(f"drift.bbsd_layer = {name!r}: {model.name} has no such layer; {hint}")


def _as_rows(features: Any) -> Any:
    """Averages feature maps over their area, and gives one float32 row per image."""
    tensorflow = import_tensorflow()
    if len(features.shape) > 2:
        features = tensorflow.reduce_mean(features, axis=list(range(1, len(features.shape) - 1)))
    return tensorflow.cast(features, tensorflow.float32)


def _projection(width: int, drift: DriftConfig) -> Callable[[Any], Any]:
    """Returns the identity, or a seeded Gaussian projection that nearly keeps distances.

    Source: Johnson and Lindenstrauss, Contemporary Mathematics 26 (1984), lemma 1.
    """
    tensorflow = import_tensorflow()
    if width <= drift.penultimate_dimensions:
        return lambda rows: rows
    rng = np.random.default_rng((drift.encoder_seed, 2))
    shape = (width, drift.penultimate_dimensions)
    matrix = (rng.standard_normal(shape) / np.sqrt(shape[1])).astype(np.float32)
    return lambda rows: tensorflow.linalg.matmul(rows, tensorflow.constant(matrix))


def export_graph(model: Any, drift: DriftConfig, path: Path) -> Callable[[Any], dict[str, Any]]:
    """Writes the serving graph and returns the function it was made from.

    Args:
      model: a classifier of :mod:`vision.models.build`.
      drift: dimensions and seed of the untrained encoder.
      path: where the ``.onnx`` file is written.

    Raises:
      ModelError: an operation of the model has no counterpart in ONNX.
    """
    tensorflow = import_tensorflow()
    import tf2onnx

    # Its transpose pass gives up at an addition of a scalar (hard swish) and logs a traceback;
    # ONNX Runtime moves the transposes when it opens the graph.
    logging.getLogger("tf2onnx.optimizer").addFilter(_is_worth_reading)
    serve = serving_function(model, drift)
    shape = (None, *model.input_shape[1:])
    signature = [tensorflow.TensorSpec(shape, tensorflow.uint8, name="images")]
    try:
        with without_known_lines():
            graph, _ = tf2onnx.convert.from_function(
                tensorflow.function(serve), input_signature=signature, opset=OPSET
            )
    except (ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"{model.name} has no serving graph: tf2onnx says {error}; choose an architecture "
            "without that operation"
        ) from error
    path.write_bytes(graph.SerializeToString())
    return serve


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return "Failed to apply optimize_transpose" not in record.getMessage()
