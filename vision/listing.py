"""Finding files where other processes remove folders meanwhile."""

from __future__ import annotations

import glob
from pathlib import Path


def list_paths(root: Path, pattern: str) -> list[Path]:
    """Returns what matches a pattern below a folder, sorted.

    A folder that is removed by another process during the search is passed over, where
    ``Path.glob`` raises FileNotFoundError (Python 3.11 and 3.12). Hidden names are matched by
    patterns that begin with a dot only.

    Args:
      root: may be missing; then nothing is found.
      pattern: as for :mod:`glob`, with ``/`` between folders.
    """
    return [root / name for name in sorted(glob.glob(pattern, root_dir=root))]  # noqa: PTH207
