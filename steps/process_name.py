"""A name of a process that no other one gets, so that a number given again misleads nobody."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
# Of the fields of /proc/PID/stat after the name, which may hold anything: clock ticks since boot.
_STARTED = 22 - 3


def process_name(pid: int) -> str | None:
    """Returns the number of a process, and when it started; None where there is none.

    Linux counts from the start of the machine. A time of day would be worked out from the clock,
    and be another one for a process that lives on, once somebody sets the clock.
    """
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        ticks = fields.rpartition(")")[2].split()[_STARTED]
        return f"{pid} {ticks} {_BOOT.read_text(encoding='utf-8').strip()}"
    try:
        return f"{pid} {psutil.Process(pid).create_time()}"
    except psutil.NoSuchProcess:
        return None
