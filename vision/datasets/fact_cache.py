"""Remembers what reading a file told, so that an unchanged file is not read again.

A file counts as unchanged while its absolute path, length, inode and both times of change stay the
same: that of the content, which ``cp -p`` sets back, and that of the inode, which nobody can set.
The cache holds nothing that cannot be computed again: where it is damaged or busy it is done
without.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import cv2

from vision.home import folder

_Action = Callable[[sqlite3.Connection, Any], list[Any]]

_log = logging.getLogger(__name__)

# Raised when the same bytes would be judged differently than before.
_VERSION = 2
_WAIT_S = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
  path TEXT PRIMARY KEY, state TEXT, sha256 TEXT, n_bytes INTEGER,
  width INTEGER, height INTEGER, mode TEXT, reason TEXT, message TEXT
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class FileFacts:
    """A file that was read and decoded once.

    Attributes:
      sha256: of the whole file; empty where it could not be read.
      n_bytes: its length.
      width: upright, in pixels; 0 where it did not decode.
      height: upright, in pixels; 0 where it did not decode.
      mode: stored channels, for example ``RGB``; empty where it did not decode.
      reason: why it is no usable image, in the words of ``ImageError``, or ``unreadable``; empty
        where it is one.
      message: the reason as a sentence.
    """

    sha256: str
    n_bytes: int
    width: int = 0
    height: int = 0
    mode: str = ""
    reason: str = ""
    message: str = ""


class FactCache:
    """The facts of the files under one root; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        # Another decoder may take what this one refused.
        name = f"files-{_VERSION}-opencv-{cv2.__version__}.sqlite"
        self._file = folder("cache") / name
        self._states: dict[str, str] = {}

    def recall(self, paths: Sequence[str]) -> dict[str, FileFacts]:
        """Returns the facts of those ``paths`` (relative to the root) that did not change."""
        self._states = {path: state for path in paths if (state := self._state(path))}
        prefix = f"{self._root}{os.sep}"
        bounds = (prefix, prefix[:-1] + chr(ord(os.sep) + 1))
        known: dict[str, FileFacts] = {}
        for path, state, *facts in self._run(_select, bounds):
            relative = path[len(prefix) :]
            if self._states.get(relative) == state:
                known[relative] = FileFacts(*facts)
        return known

    def remember(self, fresh: Iterable[tuple[str, FileFacts]]) -> dict[str, FileFacts]:
        """Stores the facts of files that :meth:`recall` did not know, and returns them."""
        facts = dict(fresh)
        rows = [
            # The state from before the file was read: a change meanwhile makes it unknown again.
            (f"{self._root}{os.sep}{path}", self._states[path], *astuple(found))
            for path, found in facts.items()
            if path in self._states and found.reason != "unreadable"
        ]
        self._run(_insert, rows)
        return facts

    def _state(self, path: str) -> str:
        """Returns what changes with the file; empty where there is none."""
        try:
            info = (self._root / path).stat()
        except OSError:
            return ""
        # As text: an inode may be above the largest number that SQLite holds.
        return f"{info.st_size}/{info.st_mtime_ns}/{info.st_ctime_ns}/{info.st_ino}"

    def _run(
        self, action: Callable[[sqlite3.Connection, Any], list[Any]], values: Any
    ) -> list[Any]:
        """Runs one transaction; an error of the database costs time, never the pass."""
        try:
            with closing(sqlite3.connect(self._file, timeout=_WAIT_S)) as database, database:
                database.execute(_SCHEMA)
                return action(database, values)
        except sqlite3.OperationalError as error:
            _log.warning("The file cache %s is not used: %s", self._file, error)
        except sqlite3.DatabaseError as error:
            _log.warning("The file cache %s is made anew: %s", self._file, error)
            self._file.unlink(missing_ok=True)
        return []


def _select(database: sqlite3.Connection, bounds: tuple[str, str]) -> list[Any]:
    return database.execute("SELECT * FROM facts WHERE path >= ? AND path < ?", bounds).fetchall()


def _insert(database: sqlite3.Connection, rows: list[tuple[object, ...]]) -> list[Any]:
    database.executemany("INSERT OR REPLACE INTO facts VALUES (?,?,?,?,?,?,?,?,?)", rows)
    return []
