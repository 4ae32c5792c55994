"""The file that ``--report`` names: never half of a report, and never that of an earlier job."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def clear_report(path: Path) -> None:
    """Removes an earlier job's report, and makes sure that a new one can be written.

    A job that is refused or killed writes none; so what is there afterwards is always its own.

    Raises:
      OSError: nothing can be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _unfinished(path).touch()
    _unfinished(path).unlink()
    path.unlink(missing_ok=True)


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Writes a report whole or not at all, so that a reader never meets half of one.

    Raises:
      OSError: it cannot be written, for example because the disk is full.
    """
    unfinished = _unfinished(path)
    try:
        unfinished.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
