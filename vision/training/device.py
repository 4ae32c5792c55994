"""What a stack may switch on for training, by environment variables.

The orchestrator of a stack carries these, so that the same configuration runs on every stack:
``VISIONSTACK_REQUIRE_GPU``, ``VISIONSTACK_MIXED_PRECISION`` and ``VISIONSTACK_XLA`` (``1`` is on),
and TensorFlow's own ``TF_FORCE_GPU_ALLOW_GROWTH``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from vision.errors import StackError
from vision.quiet import import_tensorflow


@dataclass(frozen=True)
class Device:
    """How training computes.

    Attributes:
      n_gpus: GPUs that TensorFlow sees.
      is_mixed_precision: whether layers compute in float16 and keep float32 weights.
      is_xla: whether steps are compiled with XLA.
    """

    n_gpus: int
    is_mixed_precision: bool
    is_xla: bool


def prepare_device(seed: int, is_deterministic: bool) -> Device:
    """Seeds every generator and applies the switches of the stack.

    Args:
      seed: seeds Python, NumPy and TensorFlow.
      is_deterministic: whether TensorFlow must use deterministic kernels only.

    Raises:
      StackError: the stack requires a GPU and TensorFlow sees none.
    """
    tensorflow = import_tensorflow()
    import keras

    n_gpus = len(tensorflow.config.list_physical_devices("GPU"))
    if _is_on("VISIONSTACK_REQUIRE_GPU") and n_gpus == 0:
        raise StackError(
            "this stack requires a GPU and TensorFlow sees none; install the CUDA libraries "
            "(pip install 'tensorflow[and-cuda]'), or run on a stack without the requirement: "
            "zenml stack set local"
        )
    device = Device(n_gpus, _is_on("VISIONSTACK_MIXED_PRECISION"), _is_on("VISIONSTACK_XLA"))
    policy = "mixed_float16" if device.is_mixed_precision else "float32"
    keras.mixed_precision.set_dtype_policy(policy)
    keras.utils.set_random_seed(seed)
    if is_deterministic:
        tensorflow.config.experimental.enable_op_determinism()
    return device


def _is_on(switch: str) -> bool:
    return os.environ.get(switch, "0") == "1"
