"""JPEG headers (ITU T.81, annex B).

Segments are walked one by one, because an EXIF block may hold a thumbnail with its own markers:
searching the file for the end-of-image marker would take a truncated photograph for a whole one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from vision.errors import ImageError
from vision.images.formats.ifd import read_orientation
from vision.images.types import ImageHeader, ImageMode

SIGNATURE = b"\xff\xd8\xff"

_MARKER = re.compile(rb"\xff[^\x00\xff]")
# Inside a scan, FF00 is an escaped data byte and FFD0..FFD7 are restart markers.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_STANDALONE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_MODES: dict[int, ImageMode] = {1: "L", 3: "RGB", 4: "CMYK"}
# libjpeg writes 10 scans; thousands of scans over one frame are an attack on the processor.
_MAX_SCANS = 100
_MAX_SEGMENTS = 10_000


def read_jpeg(data: bytes) -> ImageHeader:
    """Reads the header of a JPEG.

    Raises:
      ImageError: ``corrupt``; or ``truncated`` where the file ends before its frame header.
    """
    frame: tuple[int, int, int, int] | None = None
    orientation, n_scans, is_complete = 1, 0, False
    for marker, start, end in _segments(data):
        if marker in _FRAMES and frame is None:
            frame = struct.unpack_from(">BHHB", data, start)
        elif marker == _APP1 and orientation == 1 and data.startswith(b"Exif\0\0", start):
            orientation = read_orientation(data[start:end])
        elif marker == _SCAN:
            n_scans += 1
            if n_scans > _MAX_SCANS:
                raise ImageError("corrupt", f"The JPEG has more than {_MAX_SCANS} scans.")
        elif marker == _END:
            is_complete = n_scans > 0
    if frame is None:
        raise ImageError("truncated", "The JPEG ends before its frame header; fetch it again.")
    precision, height, width, n_channels = frame
    if not (width and height) or n_channels not in _MODES:
        raise ImageError(
            "corrupt", f"The JPEG says {width}x{height} pixels in {n_channels} channels."
        )
    return ImageHeader(
        format="jpeg",
        width=width,
        height=height,
        has_alpha=False,
        bit_depth=precision,
        mode=_MODES[n_channels],
        is_animated=False,
        is_complete=is_complete,
        orientation=orientation,
    )


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields (marker, start, end) of each segment's payload, up to the end of image or of data."""
    position, pattern = 2, _MARKER
    for _ in range(_MAX_SEGMENTS):
        found = pattern.search(data, position)
        if found is None:
            return
        marker, start = data[found.end() - 1], found.end()
        pattern = _MARKER
        if marker == _END:
            yield marker, start, start
            return
        if marker in _STANDALONE:
            position = start
            continue
        if start + 2 > len(data):
            return
        length = int.from_bytes(data[start : start + 2], "big")
        if length < 2:
            raise ImageError("corrupt", f"A segment of the JPEG says it is {length} bytes long.")
        if start + length > len(data):
            return
        yield marker, start + 2, start + length
        position = start + length
        if marker == _SCAN:
            pattern = _MARKER_AFTER_SCAN
    raise ImageError("corrupt", f"The JPEG has more than {_MAX_SEGMENTS:,} segments.")
