"""The serving graph on ONNX Runtime: how it is opened, and what it must look like.

It takes ``images``, uint8 RGB ``(n, height, width, 3)``, and gives ``probabilities`` ``(n, k)``,
``embedding_uae`` ``(n, d)``, ``embedding_bbsd`` ``(n, b)``, ``embedding_penultimate`` ``(n, p)``
and ``activation_map`` ``(n, h, w)``, all float32.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from vision.bundles.manifest import Manifest
from vision.errors import BundleError

INPUT = "images"
_RANKS = {
    "probabilities": 2,
    "embedding_uae": 2,
    "embedding_bbsd": 2,
    "embedding_penultimate": 2,
    "activation_map": 3,
}
OUTPUTS = tuple(_RANKS)

THREADS_VARIABLE = "VISIONSTACK_SERVING_THREADS"

# ONNX Runtime's errors have no class of their own in common.
_RUNTIME_ERRORS = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NoSuchFile,
    states.NotImplemented,
    states.RuntimeException,
)


def n_threads() -> int:
    """Returns how many threads work on one call of the graph.

    One by default: requests run beside each other, and more threads a call make them wait for one
    another (a 224 px network, two requests at a time on 2 cores: 9/s with one, 7/s with two).

    Raises:
      BundleError: the environment variable is not a whole number of at least 1.
    """
    value = os.environ.get(THREADS_VARIABLE, "1")
    if not value.isdecimal() or int(value) < 1:
        raise BundleError(f"{THREADS_VARIABLE}={value!r} must be a whole number of at least 1")
    return int(value)


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """Opens a graph, on CUDA where it is present and else on the CPU.

    Raises:
      BundleError: the file is no graph, or has operations that ONNX Runtime does not know.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads()
    options.inter_op_num_threads = 1
    # Idle threads would otherwise burn a core each between two requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=_providers())
    except _RUNTIME_ERRORS as error:
        raise BundleError(f"{path} is no graph that ONNX Runtime can open: {error}") from error


def _providers() -> list[Any]:
    """Returns CUDA where it is present, then the CPU."""
    # TensorFloat-32 rounds to 10 bits, too coarse for the golden images' tolerance.
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})
    has_cuda = cuda[0] in onnxruntime.get_available_providers()
    return [*([cuda] if has_cuda else []), "CPUExecutionProvider"]


def check_graph(session: onnxruntime.InferenceSession, manifest: Manifest, path: Path) -> None:
    """Compares the graph's input and outputs with what the manifest promises.

    Raises:
      BundleError: names the input or output, what it is and what it must be.
    """
    inputs = {node.name: (node.type, list(node.shape)[1:]) for node in session.get_inputs()}
    expected = {INPUT: ("tensor(uint8)", [*manifest.input_size, 3])}
    if inputs != expected:
        raise BundleError(f"{path} takes {inputs}, and must take {expected}; make a new bundle")
    outputs = {node.name: node for node in session.get_outputs()}
    n_classes = len(manifest.classes)
    for name in OUTPUTS:
        if name not in outputs:
            raise BundleError(f"{path} gives {sorted(outputs)} and not {name}; make a new bundle")
        kind, shape = outputs[name].type, list(outputs[name].shape)
        if kind != "tensor(float)" or len(shape) != _RANKS[name]:
            raise BundleError(
                f"{path}: {name} is {kind} {shape}, and must be tensor(float) with "
                f"{_RANKS[name]} axes; make a new bundle"
            )
        # A size that the graph leaves open is a name or None; golden images check it instead.
        has_wrong_size = isinstance(shape[-1], int) and shape[-1] != n_classes
        if name == "probabilities" and has_wrong_size:
            raise BundleError(
                f"{path}: {name} has {shape[-1]} columns for {n_classes} classes; make a new bundle"
            )
