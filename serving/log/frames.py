r"""How entries lie in a file: one frame after another, each complete or not there.

::

    file  = b"visionstack-spool-1\n" frame...
    frame = b"\x5a\xa5" length:u32 crc32:u32 payload         little-endian, length of the payload
    payload = length:u32 JSON array...                       length of the JSON

The JSON is ``[kind, fields, {array name: bytes}]``; the arrays follow in that order. Nothing in it
can run code. Where bytes are damaged, reading goes on at the next frame whose checksum is right.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from serving.log.entry import Entry

FILE_START = b"visionstack-spool-1\n"

_MARK = b"\x5a\xa5"
_FRAME = struct.Struct("<2sII")
_LENGTH = struct.Struct("<I")
_MAX_PAYLOAD = 1 << 28
_NO_RECORDS = (b'["model",', b'["measures",')


@dataclass(frozen=True)
class Frame:
    """A range of a file: a whole frame, or damaged bytes where ``payload`` is None."""

    start: int
    end: int
    payload: bytes | None


class DamagedEntryError(ValueError):
    """A frame is whole, but this program cannot read what is in it."""


def encode(entry: Entry) -> bytes:
    """Returns the frame of an entry."""
    sizes = {name: len(value) for name, value in entry.arrays.items()}
    # Written in ASCII: half a surrogate pair, which UTF-8 cannot hold, comes back as it was.
    head = json.dumps(
        [entry.kind, entry.fields, sizes], separators=(",", ":"), default=_as_json
    ).encode("ascii")
    payload = b"".join((_LENGTH.pack(len(head)), head, *entry.arrays.values()))
    return _FRAME.pack(_MARK, len(payload), zlib.crc32(payload)) + payload


def decode(payload: bytes) -> Entry:
    """Returns the entry of a frame.

    Raises:
      DamagedEntryError: the payload is not what :func:`encode` writes.
    """
    try:
        (length,) = _LENGTH.unpack_from(payload)
        position = _LENGTH.size + length
        kind, fields, sizes = json.loads(payload[_LENGTH.size : position])
        arrays = {}
        for name, size in sizes.items():
            arrays[name] = payload[position : position + size]
            position += size
        return Entry(kind, fields, arrays)
    except (struct.error, ValueError, TypeError, AttributeError) as error:
        raise DamagedEntryError(f"an entry of {len(payload)} bytes cannot be read") from error


def read_frames(data: bytes, position: int = 0) -> Iterator[Frame]:
    """Yields the frames of a file's bytes from ``position``, and the damaged ranges between them.

    Args:
      data: the file, whole or up to where it is known to be good.
      position: end of a frame that was yielded before; 0 for the beginning.
    """
    if position == 0 and data.startswith(FILE_START):
        position = len(FILE_START)
    while position < len(data):
        frame = _whole_frame(data, position)
        if frame is None:
            following = _next_frame(data, position + 1)
            yield Frame(position, following, None)
            position = following
        else:
            yield frame
            position = frame.end


def count_records(data: bytes) -> int:
    """Returns how many records a file seems to hold; no checksum is looked at."""
    n_records, position = 0, len(FILE_START)
    while position + _FRAME.size <= len(data):
        mark, length, _ = _FRAME.unpack_from(data, position)
        if mark != _MARK or position + _FRAME.size + length > len(data):
            break
        n_records += not data.startswith(_NO_RECORDS, position + _FRAME.size + _LENGTH.size)
        position += _FRAME.size + length
    return n_records


def _as_json(value: object) -> object:
    """Returns what stands for a value that JSON does not know: a number of NumPy's, or its text."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _whole_frame(data: bytes, start: int) -> Frame | None:
    if start + _FRAME.size > len(data):
        return None
    mark, length, checksum = _FRAME.unpack_from(data, start)
    begin = start + _FRAME.size
    if mark != _MARK or length > _MAX_PAYLOAD or begin + length > len(data):
        return None
    payload = data[begin : begin + length]
    return Frame(start, begin + length, payload) if zlib.crc32(payload) == checksum else None


def _next_frame(data: bytes, position: int) -> int:
    """Returns where the next whole frame starts, or the end of the data."""
    while (position := data.find(_MARK, position)) >= 0:
        if _whole_frame(data, position) is not None:
            return position
        position += 1
    return len(data)
