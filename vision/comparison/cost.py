"""What a serving graph costs on this machine, measured in a process of its own.

``python -m vision.comparison.cost BUNDLE [BUNDLE ...]`` prints one line of JSON per round and
bundle. The bundles take turns, so that a machine that is busy for a while slows all alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from vision.comparison.judge import Cost
from vision.errors import ModelError

_N_ROUNDS = 5
_N_CALLS = 20
_LIMIT_S = 600.0


def measure_costs(folders: Sequence[Path]) -> tuple[Cost, ...]:
    """Measures bundles, each in a process of its own, in turns.

    Returns:
      for each the median latency of one image, and the median growth of the process.

    Raises:
      ModelError: a bundle cannot be measured; the message says why.
    """
    rounds = [[_measured(folder) for folder in folders] for _ in range(_N_ROUNDS)]
    return tuple(
        Cost(
            latency_ms=statistics.median(each.latency_ms for each in costs),
            memory_mb=statistics.median(each.memory_mb for each in costs),
        )
        for costs in zip(*rounds, strict=True)
    )


def _measured(folder: Path) -> Cost:
    command = [sys.executable, "-m", "vision.comparison.cost", str(folder)]
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=_LIMIT_S, check=False
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ModelError(f"the cost of {folder} cannot be measured: {last}")
    return Cost.model_validate_json(ended.stdout)


def _measure_here(folder: Path) -> Cost:
    """Opens a bundle and predicts one image a few times, in this process."""
    import numpy as np

    from vision.bundles.load import ServingModel

    before = _resident_bytes()
    model = ServingModel.load(folder)
    image = np.random.default_rng(0).integers(
        256, size=(1, *model.manifest.input_size, 3), dtype=np.uint8
    )
    model.predict(image)
    seconds = []
    for _ in range(_N_CALLS):
        started = time.perf_counter()
        model.predict(image)
        seconds.append(time.perf_counter() - started)
    grown = _resident_bytes() - before
    return Cost(latency_ms=1000 * statistics.median(seconds), memory_mb=grown / 1e6)


def _resident_bytes() -> int:
    """Returns the memory of this process, from Linux's ``/proc``."""
    resident = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(resident) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(json.dumps(_measure_here(Path(sys.argv[1])).model_dump()))
