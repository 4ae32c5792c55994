"""The processes of a server: those that descend from it, and those that have its home.

BentoML's workers are in sessions of their own, so a process group does not hold them. A worker
whose parent has died is found by the variable ``VISIONSTACK_HOME``, the server's own folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

_GONE_WITHIN_S = 2.0
_ROUNDS = 10


def family(pid: int | None, folder: Path) -> list[psutil.Process]:
    """Returns the living processes that descend from ``pid`` or have ``folder`` for a home."""
    found = _at_home(folder)
    if pid is not None:
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(pid)
            found |= {each.pid: each for each in (first, *first.children(recursive=True))}
    return _living(found)


def _at_home(folder: Path) -> dict[int, psutil.Process]:
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("VISIONSTACK_HOME") == str(folder):
                found[process.pid] = process
    return found


def _living(found: Mapping[int, psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in found.values():
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                living.append(process)
    return living


def end_family(pid: int | None, folder: Path) -> None:
    """Kills whatever is left; a worker may be started anew while others are killed."""
    # Bounded, because nothing ends a process that waits for a broken disk.
    for _ in range(_ROUNDS):
        living = family(pid, folder)
        if not living:
            return
        for each in living:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(living, _GONE_WITHIN_S)
