"""The folder of a resolved revision, and the record that tells whether it is still as it was made.

``home()/datasets/dvc/<commit>/<name>/`` holds hard links into the object store; beside it
``<name>.json`` records each file's MD5, length and time of change, ``<name>.lock`` keeps other
processes out while it changes, and ``<name>.aside/`` gets what did not belong into it.
"""

from __future__ import annotations

import fcntl
import glob
import json
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vision.progress import say

_log = logging.getLogger(__name__)

# Raised when what a folder holds for the same commit changes.
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the folder when it was last found right.

    Attributes:
      md5: of its bytes.
      size: in bytes.
      mtime_ns: time of change; -1 where it has to be read again.
    """

    md5: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Record:
    """What a folder holds.

    Attributes:
      commit: 40 hex digits.
      dir_hash: MD5 of DVC's list of the files, with ``.dir``; empty where there is none.
      remote: name and address of the default remote without credentials, or empty.
      files: each file by its path in the folder.
    """

    commit: str
    dir_hash: str
    remote: str
    files: dict[str, Entry] = field(repr=False)

    def dump(self) -> str:
        """Returns it as JSON."""
        files = {path: [e.md5, e.size, e.mtime_ns] for path, e in sorted(self.files.items())}
        counts = {"files": len(files), "bytes": sum(e.size for e in self.files.values())}
        names = {"commit": self.commit, "dir_hash": self.dir_hash, "remote": self.remote}
        return json.dumps({"version": _VERSION, **names, "counts": counts, "files": files})


@dataclass(frozen=True)
class Changes:
    """What differs from the record.

    Attributes:
      files: paths of files that are missing or have another length or time of change.
      strays: paths of what does not belong into the folder.
    """

    files: tuple[str, ...]
    strays: tuple[str, ...]


class RevisionFolder:
    """The place of one part of one commit.

    Attributes:
      path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps every other process out of the folder's changes until the block ends."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._beside("lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another process that fetches {self.path.parent.name[:8]}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read_record(self) -> Record | None:
        """Returns the record, None where it or the folder is missing, or it cannot be read."""
        if not self.path.is_dir():
            return None
        try:
            found = json.loads(self._beside("json").read_text())
            if found["version"] != _VERSION:
                return None
            files = {path: Entry(*entry) for path, entry in found["files"].items()}
            return Record(found["commit"], found["dir_hash"], found["remote"], files)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("The record of %s is made again: %r", self.path, error)
            return None

    def remove_drafts(self) -> None:
        """Removes what processes left that were killed while they made the folder."""
        for draft in self.path.parent.glob(f".{glob.escape(self.path.name)}-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def write_record(self, record: Record) -> None:
        """Writes the record in one move."""
        draft = self._beside("json.new")
        draft.write_text(record.dump())
        draft.replace(self._beside("json"))

    def drop_record(self) -> None:
        """Removes the record, so that the folder counts as not made."""
        self._beside("json").unlink(missing_ok=True)

    def changes(self, record: Record) -> Changes:
        """Compares the folder with its record without reading a file."""
        found, strays = dict.fromkeys(record.files, False), []
        for path, info in _walk(self.path):
            entry = record.files.get(path)
            if entry is None:
                strays.append(path)
            else:
                found[path] = _same(entry, info)
        return Changes(tuple(path for path, same in found.items() if not same), tuple(strays))

    def entry(self, path: str, md5: str) -> Entry:
        """Returns the entry of a file whose bytes were just found right."""
        info = (self.path / path).lstat()
        return Entry(md5, info.st_size, info.st_mtime_ns)

    def set_aside(self, strays: tuple[str, ...]) -> None:
        """Moves what does not belong into the folder out of it; nothing is deleted."""
        for stray in strays:
            target = self._beside("aside") / stray
            while target.exists():
                target = target.with_name(f"{target.name}~")
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.path / stray).rename(target)
        if strays:
            _log.warning(
                "%d files that are not of the revision were moved from %s to %s, for example %s",
                len(strays),
                self.path,
                self._beside("aside"),
                strays[0],
            )


def _same(entry: Entry, info: os.stat_result) -> bool:
    is_file = stat.S_ISREG(info.st_mode)
    return is_file and (info.st_size, info.st_mtime_ns) == (entry.size, entry.mtime_ns)


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yields the path and state of all that is no folder; links are not followed."""
    pending = [""]
    while pending:
        above = pending.pop()
        with os.scandir(root / above) as entries:
            for entry in entries:
                path = f"{above}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{path}/")
                else:
                    yield path, entry.stat(follow_symlinks=False)
