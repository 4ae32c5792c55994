"""Silences the start-up lines of TensorFlow that say nothing, and only those.

TensorFlow 2.18 writes to the file descriptor of standard error from C++ before its own log level
is read, so neither ``TF_CPP_MIN_LOG_LEVEL`` nor Python's logging can reach these lines. They are
caught during the import, the known ones dropped, and every other line is passed on.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

_KNOWN = re.compile(
    "|".join(
        (
            # CUDA plugins register twice in every build that carries them, also without a GPU.
            r"Unable to register cu(DNN|BLAS|FFT) factory",
            r"computation placer already registered",
            # Looking for a GPU on a machine that has none, or whose driver is not loaded.
            r"failed call to cuInit",
            # Grappler says at each conversion that it found no GPU to optimise for.
            r"devices\.cc:\d+\] Number of eligible GPUs",
            r"single_machine\.cc:\d+\] Starting new session",
            # Announces the lines above.
            r"All log messages before absl::InitializeLog\(\) is called are written to STDERR",
        )
    )
)


@contextmanager
def without_known_lines() -> Iterator[None]:
    """Drops the known lines that are written to file descriptor 2 inside the block."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            caught.seek(0)
            kept = [line for line in caught if not _KNOWN.search(line.decode(errors="replace"))]
            if kept:
                with suppress(BrokenPipeError):  # nobody reads there any more
                    os.write(saved, b"".join(kept))
            os.close(saved)


def import_tensorflow() -> ModuleType:
    """Returns the ``tensorflow`` module, imported without its known start-up lines."""
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    from vision.environment import prepare

    prepare()
    with without_known_lines():
        tensorflow = importlib.import_module("tensorflow")
        # Probes the GPU driver now rather than at the first operation, so its lines are caught too.
        tensorflow.config.list_physical_devices()
    return tensorflow
