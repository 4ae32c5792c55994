"""Where a test can let the process die, as ``kill -9`` would, to see what is left.

``VISIONSTACK_FAULT_AT=pointer-renamed`` ends the process at that point at once, with nothing
flushed or cleaned up. Nobody sets it outside the tests.
"""

from __future__ import annotations

import os

FAULT_VARIABLE = "VISIONSTACK_FAULT_AT"

# In the order in which an activation passes them; the first two are those of saving a bundle.
FAULT_POINTS = (
    "bundle-copied",
    "bundle-stored",
    "change-locked",
    "bundle-found",
    "graph-opened",
    "golden-checked",
    "model-warm",
    "pointer-temporary-made",
    "pointer-half-written",
    "pointer-written",
    "pointer-synced",
    "pointer-renamed",
    "pointer-folder-synced",
    "model-swapped",
    "listeners-told",
)

_KILLED = 137


def fault_point(name: str) -> None:
    """Ends the process if the environment asks for it at the point ``name``."""
    if os.environ.get(FAULT_VARIABLE) == name:
        os._exit(_KILLED)
