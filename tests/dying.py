"""Runs a program of the tests that lets its processes die, and reads what it says is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from vision.home import repository

KILLED = 137
_ENDS_WITHIN_S = 300


def run_dying(module: str, work: str, folder: Path) -> list[dict[str, Any]]:
    """Runs a module of the tests with all its state in a folder.

    Args:
      module: its name, as after ``python -m``; it prints lines of JSON.
      work: what it is to do, its one argument.
      folder: where its home, its store and its temporary files are.

    Returns:
      its lines, of which none is a defect.
    """
    (folder / "tmp").mkdir()
    environment = os.environ | {
        "VISIONSTACK_HOME": str(folder / "home"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "TMPDIR": str(folder / "tmp"),
    }
    done = subprocess.run(
        [sys.executable, "-m", module, work],
        cwd=repository(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=_ENDS_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [line for line in lines if "defect" in line]
    return lines
