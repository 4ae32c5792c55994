"""Where reports of monitoring lie on this machine, and what later runs remember of them.

``home()/monitoring/reports/<model>/`` holds a page for each run, ``<time>.html`` in UTC, the newest
100 of them; ``latest.html``, a copy of the last; and ``history.jsonl``, one
:class:`~vision.monitoring.report.HistoryEntry` for each version and run, oldest first. Pages show
images, so nobody but the owner may enter ``reports``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from pydantic import Field, ValidationError

from vision.bundles.manifest import check_id
from vision.errors import VisionError
from vision.home import folder, home
from vision.monitoring.kept import private_folder
from vision.monitoring.report import HistoryEntry, MonitoringReport
from vision.progress import say

FOLDER = "monitoring/reports"
LATEST = "latest.html"
HISTORY = "history.jsonl"
_N_PAGES = 100
# Enough for half a year of daily runs of two versions.
_N_ENTRIES = 365


class PublishedReport(MonitoringReport):
    """A report and its page.

    Attributes:
      html: the page, which opens without a network.
    """

    html: str = Field(default="", repr=False)


def read_history(name: str) -> tuple[HistoryEntry, ...]:
    """Returns what is remembered of earlier runs, oldest first, the newest 365 entries.

    Lines that cannot be read, such as one that a crash has cut off, are passed over.
    """
    path = home() / FOLDER / check_id(name, "model name") / HISTORY
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        say(f"the history of {name} cannot be read from {path} ({error.strerror})")
        return ()
    return tuple(entry for line in lines[-_N_ENTRIES:] if (entry := _entry(line)) is not None)


def publish(report: MonitoringReport, html: str) -> Path:
    """Writes the page of a run, and adds the run to the history.

    Returns:
      the page that is this run's for good.

    Raises:
      ConfigError: the folder cannot be made.
      VisionError: a file cannot be written.
    """
    name = check_id(report.name, "model name")
    private_folder(FOLDER)
    place = folder(f"{FOLDER}/{name}")
    path = place / f"{report.created_at:%Y%m%d-%H%M%S-%f}.html"
    try:
        path.write_text(html, encoding="utf-8")
        # In one step, so that a browser never sees half of it.
        temporary = place / f".{path.name}"
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(place / LATEST)
        lines = "".join(entry.model_dump_json() + "\n" for entry in report.entries())
        with (place / HISTORY).open("a+b") as file:
            file.write((b"" if _ends_well(file) else b"\n") + lines.encode())
        for old in sorted(place.glob("[0-9]*.html"))[:-_N_PAGES]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise VisionError(
            f"the report of {report.name} cannot be written to {place} ({error.strerror}); make "
            "room there, or set VISIONSTACK_HOME to a folder that you can write to"
        ) from error
    return path


def _ends_well(file: BinaryIO) -> bool:
    """Whether the next line can follow: a crash may have cut the last one off."""
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read() == b"\n"


def _entry(line: str) -> HistoryEntry | None:
    try:
        return HistoryEntry.model_validate_json(line)
    except ValidationError:
        return None
