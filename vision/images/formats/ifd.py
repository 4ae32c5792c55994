"""Image file directories: the tag lists of TIFF files and EXIF blocks (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Bytes per value of the types that are read here: BYTE, SHORT, LONG.
_VALUE_TYPES = {1: "u1", 3: "u2", 4: "u4"}
_ORIENTATION = 0x0112
_MAX_ENTRIES = 4096


@dataclass(frozen=True)
class Directory:
    """The first directory of a TIFF structure.

    Attributes:
      data: the whole structure, from its byte-order mark on.
      order: ``<`` or ``>``.
      entries: tag to (type, count, offset of the value).
      next_offset: where the next directory starts; 0 if there is none.
    """

    data: bytes
    order: str
    entries: dict[int, tuple[int, int, int]]
    next_offset: int

    def values(self, tag: int) -> npt.NDArray[np.int64]:
        """Returns the unsigned integers of ``tag`` (n,), empty if it is absent.

        Raises:
          struct.error: its values lie outside the data.
        """
        if tag not in self.entries:
            return np.empty(0, np.int64)
        kind, count, offset = self.entries[tag]
        if kind not in _VALUE_TYPES:
            return np.empty(0, np.int64)
        dtype = np.dtype(self.order + _VALUE_TYPES[kind])
        if offset + count * dtype.itemsize > len(self.data):
            raise struct.error(f"the values of tag {tag} end after the file")
        return np.frombuffer(self.data, dtype, count, offset).astype(np.int64)

    def value(self, tag: int, default: int) -> int:
        """Returns the first unsigned integer of ``tag``, or ``default``."""
        values = self.values(tag)
        return int(values[0]) if len(values) else default


def read_directory(data: bytes) -> Directory:
    """Reads the first directory of a TIFF structure.

    Raises:
      struct.error: the directory lies outside the data, or this is no TIFF structure.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise struct.error("no TIFF byte-order mark")
    (start,) = struct.unpack_from(order + "I", data, 4)
    (n_entries,) = struct.unpack_from(order + "H", data, start)
    if n_entries > _MAX_ENTRIES:
        raise struct.error(f"{n_entries} tags in one directory")
    entries: dict[int, tuple[int, int, int]] = {}
    for index in range(n_entries):
        where = start + 2 + 12 * index
        tag, kind, count = struct.unpack_from(order + "HHI", data, where)
        size = count * (np.dtype(_VALUE_TYPES[kind]).itemsize if kind in _VALUE_TYPES else 1)
        # Values of up to four bytes stand in the entry itself.
        inline = size <= 4
        offset = where + 8 if inline else struct.unpack_from(order + "I", data, where + 8)[0]
        entries.setdefault(tag, (kind, count, offset))
    (next_offset,) = struct.unpack_from(order + "I", data, start + 2 + 12 * n_entries)
    return Directory(data, order, entries, next_offset)


def read_orientation(exif: bytes) -> int:
    """Returns the orientation 1..8 of an EXIF block; a damaged or silent block means upright."""
    try:
        value = read_directory(exif.removeprefix(b"Exif\0\0")).value(_ORIENTATION, 1)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1
