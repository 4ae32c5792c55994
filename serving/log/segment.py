"""One file of the spool while it is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from serving.log.entry import Entry
from serving.log.frames import FILE_START, encode
from vision.durable import sync_folder


class SegmentFile:
    """A file that grows by whole frames, each on the disk before the next is begun.

    A file begins every prediction's model with an entry of its own, so it can be read alone.

    Attributes:
      n_bytes: the length up to which it is good.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._digests: set[str] = set()
        self.n_bytes = 0

    def append(self, entries: Sequence[Entry]) -> None:
        """Writes entries and waits for the disk; what fails half-way is cut off again.

        Raises:
          OSError: nothing more can be written to this file.
        """
        data, digests = self._encoded(entries)
        try:
            _write_all(self._handle, data)
            # The file's length is part of what fdatasync waits for.
            os.fdatasync(self._handle)
            if self.n_bytes == 0:
                sync_folder(self._path.parent)
        except OSError:
            # What a failed sync leaves in memory is unknown: this file takes nothing more.
            with suppress(OSError):
                os.ftruncate(self._handle, self.n_bytes)
            raise
        self.n_bytes += len(data)
        self._digests |= digests

    def close(self) -> None:
        """Ends the file."""
        os.close(self._handle)

    def _encoded(self, entries: Sequence[Entry]) -> tuple[bytes, set[str]]:
        """Returns the frames of entries, and the models that are among them for the first time."""
        frames = [FILE_START] if self.n_bytes == 0 else []
        digests: set[str] = set()
        for entry in entries:
            if entry.model is not None:
                digest = entry.model.fields["digest"]
                if digest not in self._digests and digest not in digests:
                    digests.add(digest)
                    frames.append(encode(entry.model))
            frames.append(encode(entry))
        return b"".join(frames), digests


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
