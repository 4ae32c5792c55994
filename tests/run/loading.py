"""Which modules a piece of code loads, seen from a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Set as AbstractSet

from vision.home import repository


def loaded_by(code: str, modules: AbstractSet[str]) -> str:
    """Returns those of ``modules`` that ``code`` loads, sorted, as Python writes a list."""
    shown = f"import sys\n{code}\nprint(sorted({set(modules)!r} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", shown],
        capture_output=True,
        text=True,
        cwd=repository(),
        check=True,
        timeout=60,
    )
    return ended.stdout.splitlines()[-1]
