"""Where the workers keep their metrics, and how they are merged into one page.

``PROMETHEUS_MULTIPROC_DIR`` names the folder of all workers of one service, chosen by
:mod:`serving.metrics.folder`; each process writes files there whose names end in its process id.
Without the variable, as in a test or a notebook, the metrics are those of this process alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def shared_folder() -> Path | None:
    """Returns the folder that all workers write to; None where this process is alone."""
    value = os.environ.get(FOLDER_VARIABLE)
    return Path(value) if value else None


def forget_dead_workers(folder: Path) -> tuple[int, ...]:
    """Removes the gauges of workers that were killed, which would be reported for ever.

    Their counters stay: what was counted has happened.

    Returns:
      The process ids that were forgotten.
    """
    found = {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}
    dead = tuple(pid for pid in sorted(map(int, filter(str.isdecimal, found))) if not _runs(pid))
    for pid in dead:
        with suppress(FileNotFoundError):  # another worker forgets it at the same time
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    return dead


def render(own: CollectorRegistry) -> tuple[bytes, str]:
    """Returns the page for Prometheus and its media type; takes some milliseconds.

    Args:
      own: the metrics of this process, for where it is alone.
    """
    folder = shared_folder()
    if folder is None:
        return generate_latest(own), CONTENT_TYPE_LATEST
    # One that was killed serves nothing, also in the seconds until its successor is there.
    forget_dead_workers(folder)
    merged = CollectorRegistry()
    MultiProcessCollector(merged, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(merged), CONTENT_TYPE_LATEST


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Tells whether a process is listed only because its parent has not asked how it ended."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return fields.rpartition(")")[2].split()[0] in ("Z", "X")
    return False
