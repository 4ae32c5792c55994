"""A name of a process that no other one gets, so that a number given again misleads nobody."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")
# Of the fields of /proc/PID/stat after the name, which may hold anything: clock ticks since boot.
_STARTED = 22 - 3
# One that has ended, and whose parent has not asked how, is still listed.
_ENDED = ("Z", "X")


def process_name(pid: int) -> str | None:
    """Returns the number of a process, and when it started; None where none lives.

    Linux counts from the start of the machine. A time of day would be worked out from the clock,
    and be another one for a process that lives on, once somebody sets the clock.
    """
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *_ = numbers = fields.rpartition(")")[2].split()
        name = f"{pid} {numbers[_STARTED]} {_BOOT.read_text(encoding='utf-8').strip()}"
        return None if state in _ENDED else name
    try:
        process = psutil.Process(pid)
        is_dead = process.status() == psutil.STATUS_ZOMBIE
        return None if is_dead else f"{pid} {process.create_time()}"
    except psutil.NoSuchProcess:
        return None
