"""Which NVIDIA GPUs this process may use, found without importing TensorFlow."""

from __future__ import annotations

import os
import shutil
import subprocess

_ANSWER_WITHIN_S = 20.0


def visible_gpus() -> tuple[str, ...]:
    """Returns one line per visible GPU, for example ``GPU 0: NVIDIA H200``; empty without any.

    ``CUDA_VISIBLE_DEVICES`` is heeded as CUDA does: empty hides all, and the list ends at the
    first entry that names no GPU, so ``-1`` hides all as well.
    """
    found = _all_gpus()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return found
    visible = []
    for entry in (text.strip() for text in chosen.split(",")):
        line = _named(entry, found)
        if line is None:
            break
        visible.append(line)
    return tuple(visible)


def _named(entry: str, found: tuple[str, ...]) -> str | None:
    """Returns the GPU that one entry of the list names, by index or by the start of its UUID."""
    if entry.isdecimal():
        return found[int(entry)] if int(entry) < len(found) else None
    matching = [line for line in found if entry and f"UUID: {entry}" in line]
    if entry.startswith("MIG-") and found:
        # nvidia-smi lists MIG devices below their GPU; the driver judges the identifier itself.
        return f"MIG device {entry}"
    return matching[0] if matching else None


def _all_gpus() -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        answer = subprocess.run(
            [program, "--list-gpus"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if answer.returncode != 0:
        return ()
    return tuple(line for line in answer.stdout.splitlines() if line.startswith("GPU "))
