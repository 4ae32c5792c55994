"""The last predictions of one model version, in one file that all workers write.

::

    magic, capacity, vector lengths, checksum | rows written, checksum | row | row | ... | row

Row ``n`` is at place ``(n - 1) % capacity``. Writers take turns by ``flock`` on the file, which
ends with the process; readers take no lock and pass over a row that is being written, or was when
its writer was killed. The room is taken when the file is made, so that a disk that fills up later
costs no row. Nothing is synced: a loss of power may cost rows, which their checksums show.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from serving.drift.rows import Layout, Rows, seal, sound_rows

FILE = "window.rows"
MAX_CAPACITY = 12_000

_MAGIC = b"vsdrift2"
_HEAD = struct.Struct("<8s4I")
_COUNT = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_COUNT_AT = _HEAD.size + _CHECKSUM.size
_ROWS_AT = 64


class WindowBusyError(Exception):
    """Another worker writes; try again in a moment."""


class Window:
    """The file of one model version, made when the first row comes.

    Args:
      folder: where it is, or will be.
      capacity: rows that it holds.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.path = folder / FILE
        self.capacity = min(capacity, MAX_CAPACITY)
        self._handle: int | None = None

    def append(self, rows: Rows, layout: Layout) -> None:
        """Adds rows behind the newest ones.

        Raises:
          WindowBusyError: another worker writes; nothing was added.
          OSError: the file cannot be made or written.
        """
        handle = self._opened()
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WindowBusyError from None
        try:
            n_written = self._prepare(handle, layout)
            self._write(handle, rows, n_written)
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)

    def n_written(self) -> int:
        """Returns how many rows were ever written; 0 where there is no file of this form."""
        try:
            with self.path.open("rb") as file:
                head = file.read(_ROWS_AT)
        except OSError:
            return 0
        layout = _layout_of(head, self.capacity)
        return 0 if layout is None else _count_of(head)

    def close(self) -> None:
        """Closes the file, which stays."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _opened(self) -> int:
        if self._handle is not None and not self._is_there(self._handle):
            self.close()
        if self._handle is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._handle

    def _is_there(self, handle: int) -> bool:
        """Tells whether the path still leads to the open file; somebody may have tidied up."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(handle))
        except OSError:
            return False

    def _prepare(self, handle: int, layout: Layout) -> int:
        """Makes the file what it has to be, and returns how many rows were written."""
        head = os.pread(handle, _ROWS_AT, 0)
        if _layout_of(head, self.capacity) != layout:
            os.ftruncate(handle, 0)
            os.posix_fallocate(handle, 0, _ROWS_AT + self.capacity * layout.dtype.itemsize)
            fixed = _HEAD.pack(_MAGIC, self.capacity, layout.uae, layout.bbsd, layout.penultimate)
            os.pwrite(handle, fixed + _CHECKSUM.pack(zlib.crc32(fixed)), 0)
            _write_count(handle, 0)
            return 0
        count = _count_of(head)
        if count < 0:  # the writer died in between
            rows = sound_rows(_rows_in(handle), layout)
            return int(rows["number"].max()) if len(rows) else 0
        return count

    def _write(self, handle: int, rows: Rows, n_written: int) -> None:
        kept = rows[-self.capacity :].copy()
        last = n_written + len(rows)
        first = last - len(kept)
        seal(kept, first + 1)
        place = first % self.capacity
        until_end = self.capacity - place
        size = kept.dtype.itemsize
        for part, at in ((kept[:until_end], place), (kept[until_end:], 0)):
            _write_all(handle, part.tobytes(), _ROWS_AT + at * size)
        _write_count(handle, last)


def read_window(path: Path) -> tuple[Rows, int]:
    """Returns the rows of a window, oldest first, and how many were ever written.

    Raises:
      OSError: there is no such file.
    """
    data = path.read_bytes()
    layout = _layout_of(data[:_ROWS_AT])
    if layout is None:
        return np.zeros(0, Layout(1, 1, 1).dtype), 0
    rows = sound_rows(data[_ROWS_AT:], layout)
    newest = int(rows["number"].max()) if len(rows) else 0
    return rows, max(newest, _count_of(data[:_ROWS_AT]))


def _layout_of(head: bytes, capacity: int | None = None) -> Layout | None:
    """Returns the layout that a file's head names; None where it is none, or of another size."""
    if len(head) < _ROWS_AT:
        return None
    fixed = head[: _HEAD.size]
    magic, found, uae, bbsd, penultimate = _HEAD.unpack(fixed)
    (checksum,) = _CHECKSUM.unpack_from(head, _HEAD.size)
    if magic != _MAGIC or checksum != zlib.crc32(fixed):
        return None
    return Layout(uae, bbsd, penultimate) if capacity in (None, found) else None


def _count_of(head: bytes) -> int:
    """Returns how many rows were written; -1 where the number is damaged."""
    count = head[_COUNT_AT : _COUNT_AT + _COUNT.size]
    (checksum,) = _CHECKSUM.unpack_from(head, _COUNT_AT + _COUNT.size)
    return int(_COUNT.unpack(count)[0]) if checksum == zlib.crc32(count) else -1


def _write_count(handle: int, value: int) -> None:
    count = _COUNT.pack(value)
    os.pwrite(handle, count + _CHECKSUM.pack(zlib.crc32(count)), _COUNT_AT)


def _rows_in(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, _ROWS_AT)


def _write_all(handle: int, data: bytes, at: int) -> None:
    while data:
        n_bytes = os.pwrite(handle, data, at)
        data, at = data[n_bytes:], at + n_bytes
