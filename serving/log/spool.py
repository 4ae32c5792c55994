"""What waits on the disk for the database: one folder for each process, of segment files.

One thread appends, another reads and forgets, in the order of writing. What :meth:`Spool.append`
has returned from is on the disk, also after a loss of power. A process holds a lock on its folder
for as long as it lives; the folder of a dead one is adopted by whoever gets that lock. What was
forgotten may be read again after a crash, so storing must be idempotent.

::

    spool/<process>-<random>/lock          held while the process lives
    spool/<process>-<random>/00000001.seg  frames, see serving.log.frames
    quarantine/<folder>-<segment>-<offset>.bin   bytes that could not be read
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from serving.log.entry import Entry
from serving.log.frames import DamagedEntryError, count_records, decode, read_frames
from serving.log.segment import SegmentFile

logger = logging.getLogger("bentoml.visionstack.log")

LOCK = "lock"
# The name of a segment file, as a pattern.
SEGMENTS = "[0-9]" * 8 + ".seg"
_SEGMENT_BYTES = 4 << 20


@dataclass(frozen=True)
class Chunk:
    """Entries in the order of writing, and how far they reach.

    Attributes:
      segment: the file that they are from.
      end: offset in it after the last of them.
      n_records: how many of them were records.
    """

    entries: tuple[Entry, ...]
    segment: Path
    end: int
    n_records: int


@dataclass
class _Segment:
    """A file of the spool: ``n_bytes`` of it are good, ``n_waiting`` records are not stored yet."""

    path: Path
    n_bytes: int = 0
    n_waiting: int = 0
    is_closed: bool = False


class Spool:
    """The folder of one process; made by :mod:`serving.log.spools`.

    Attributes:
      n_waiting: records that are not forgotten yet.
      waiting_bytes: bytes that are not forgotten yet.
    """

    def __init__(self, folder: Path, lock: int, segments: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._lock = lock
        self._guard = threading.Lock()
        self._segments = [_found(path) for path in segments]
        self.n_waiting = sum(segment.n_waiting for segment in self._segments)
        self.waiting_bytes = sum(segment.n_bytes for segment in self._segments)
        self._last_number = max((int(path.stem) for path in segments), default=0)
        self._file: SegmentFile | None = None
        self._offset = 0
        self._models: dict[str, Entry] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """Writes entries and waits until they are on the disk: all of them or none.

        Raises:
          OSError: they cannot be written; the next call starts a new file.
        """
        if self._file is None:
            self._start_segment()
        assert self._file is not None
        segment = self._segments[-1]
        try:
            self._file.append(entries)
        except OSError:
            self._end_segment()
            raise
        with self._guard:
            self.waiting_bytes += self._file.n_bytes - segment.n_bytes
            n_records = sum(entry.is_record for entry in entries)
            self.n_waiting += n_records
            segment.n_bytes = self._file.n_bytes
            segment.n_waiting += n_records
        if segment.n_bytes >= _SEGMENT_BYTES:
            self._end_segment()

    def read(self, max_entries: int) -> Chunk | None:
        """Returns the oldest entries that are not forgotten; None where there are none.

        Bytes that cannot be read are put into quarantine and passed over.

        Raises:
          OSError: the file cannot be read.
        """
        with self._guard:
            self._drop_read_segments()
            if not self._segments or self._offset >= self._segments[0].n_bytes:
                return None
            path, start, stop = self._segments[0].path, self._offset, self._segments[0].n_bytes
        data = _read_bytes(path, start, stop)
        entries: list[Entry] = []
        end = stop
        for frame in read_frames(data):
            if len(entries) >= max_entries:
                end = start + frame.start
                break
            entry = read_entry(frame.payload)
            if entry is None:
                self._set_aside(path, start + frame.start, data[frame.start : frame.end])
            elif entry.kind == "model":
                self._models[entry.fields["digest"]] = entry
            else:
                entries.append(
                    replace(entry, model=self._models.get(entry.fields.get("model", "")))
                )
        return Chunk(tuple(entries), path, end, sum(entry.is_record for entry in entries))

    def forget(self, chunk: Chunk) -> None:
        """Takes the entries of the last :meth:`read` as stored."""
        with self._guard:
            segment = self._segments[0]
            assert segment.path == chunk.segment
            # What a dead process left was counted without looking at checksums.
            is_read = segment.is_closed and chunk.end >= segment.n_bytes
            n_stored = segment.n_waiting if is_read else min(chunk.n_records, segment.n_waiting)
            segment.n_waiting -= n_stored
            self.n_waiting -= n_stored
            self.waiting_bytes -= chunk.end - self._offset
            self._offset = chunk.end
            self._drop_read_segments()

    def set_aside(self, entry: bytes) -> None:
        """Keeps an entry in quarantine that the database will never take."""
        self._set_aside(self.folder / f"entry-{secrets.token_hex(4)}", 0, entry)

    def close(self) -> None:
        """Gives the folder up: to be adopted, or removed if nothing is left in it."""
        if self._file is not None:
            self._end_segment()
        with self._guard:
            self._drop_read_segments()
            if not self._segments:
                (self.folder / LOCK).unlink(missing_ok=True)
                _remove_if_empty(self.folder)
        os.close(self._lock)

    def _start_segment(self) -> None:
        self._last_number += 1
        path = self.folder / f"{self._last_number:08d}.seg"
        self._file = SegmentFile(path)
        with self._guard:
            self._segments.append(_Segment(path))

    def _end_segment(self) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None
        with self._guard:
            self._segments[-1].is_closed = True
            self._drop_read_segments()

    def _drop_read_segments(self) -> None:
        """Removes files of which nothing waits any more; the guard is held."""
        while self._segments and self._segments[0].is_closed:
            if self._offset < self._segments[0].n_bytes:
                return
            self._segments.pop(0).path.unlink(missing_ok=True)
            self._offset = 0

    def _set_aside(self, path: Path, offset: int, data: bytes) -> None:
        quarantine = self.folder.parent.parent / "quarantine"
        target = quarantine / f"{self.folder.name}-{path.stem}-{offset}.bin"
        try:
            quarantine.mkdir(exist_ok=True)
            target.write_bytes(data)
        except OSError as error:
            logger.error("%d damaged bytes of the log's spool are lost: %s", len(data), error)
        else:
            logger.error("%d damaged bytes of the log's spool are now in %s", len(data), target)


def read_entry(payload: bytes | None) -> Entry | None:
    """Returns what is in a frame; None where it cannot be read."""
    if payload is None:
        return None
    try:
        return decode(payload)
    except DamagedEntryError:
        return None


def _read_bytes(path: Path, start: int, stop: int) -> bytes:
    """Returns a range of a file; nothing of one that somebody has removed."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)
    except FileNotFoundError:
        logger.error("Somebody has removed %s, with records that were not stored yet", path)
        return b""


def _found(path: Path) -> _Segment:
    """Returns a segment of a dead process as it lies there."""
    data = path.read_bytes()
    return _Segment(path, len(data), count_records(data), is_closed=True)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        logger.warning("The folder %s of the log's spool holds files of others", folder)
