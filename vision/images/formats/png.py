"""PNG headers (W3C PNG, third edition), and PNG without the chunks that no pixel needs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from vision.errors import ImageError
from vision.images.formats.ifd import read_orientation
from vision.images.types import ImageHeader, ImageMode

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MODES: dict[int, ImageMode] = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_NEEDED = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_MAX_CHUNKS = 100_000


def read_png(data: bytes) -> ImageHeader:
    """Reads the header of a PNG and the checksum of every chunk that pixels come from.

    Raises:
      ImageError: ``corrupt``; or ``truncated`` where the file ends before its header chunk.
    """
    if len(data) < 33:
        raise ImageError("truncated", "The PNG ends before its header chunk; fetch it again.")
    width, height, bit_depth, color_type = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or not (width and height) or color_type not in _MODES:
        raise ImageError(
            "corrupt", f"The PNG says {width}x{height} pixels of color type {color_type}."
        )
    has_alpha, is_animated, is_complete = color_type in (4, 6), False, False
    orientation, key = 1, None
    for name, start, end in _chunks(data):
        if name == b"acTL":
            is_animated = True
        elif name == b"tRNS":
            has_alpha = True
            if color_type == 0:
                key = _gray_key(data[start:end], bit_depth)
        elif name == b"eXIf":
            orientation = read_orientation(data[start:end])
        elif name == b"IEND":
            is_complete = True
    return ImageHeader(
        format="png",
        width=width,
        height=height,
        has_alpha=has_alpha,
        bit_depth=bit_depth,
        mode=_MODES[color_type],
        is_animated=is_animated,
        is_complete=is_complete,
        orientation=orientation,
        transparent_gray=key,
    )


def without_extras(data: bytes) -> bytes:
    """Returns a complete PNG with nothing but what its first frame is made of.

    Text and colour profiles may unpack from a kilobyte to a gigabyte, and further frames would be
    decoded for nothing; none of them reaches the decoder.
    """
    kept = [(start - 8, end + 4) for name, start, end in _chunks(data) if name in _NEEDED]
    if sum(end - start for start, end in kept) + len(SIGNATURE) == len(data):
        return data
    return SIGNATURE + b"".join(data[start:end] for start, end in kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields (name, start, end) of each chunk's payload, up to IEND or the end of data."""
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 12 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        start, end = position + 8, position + 8 + length
        if end + 4 > len(data):
            return
        if name in _NEEDED:
            _check_crc(data, name, start, end)
        yield name, start, end
        if name == b"IEND":
            return
        position = end + 4
    raise ImageError("corrupt", f"The PNG has more than {_MAX_CHUNKS:,} chunks.")


def _check_crc(data: bytes, name: bytes, start: int, end: int) -> None:
    expected = int.from_bytes(data[end : end + 4], "big")
    if zlib.crc32(memoryview(data)[start - 4 : end]) != expected:
        raise ImageError(
            "corrupt", f"The checksum of the PNG's {name.decode()} chunk is wrong; fetch it again."
        )


def _gray_key(payload: bytes, bit_depth: int) -> int | None:
    """Returns the transparent sample as the decoder scales it: 0..255, or 0..65535 at 16 bits."""
    if len(payload) < 2:
        return None
    key = int.from_bytes(payload[:2], "big")
    return key if bit_depth == 16 else key * 255 // (2**bit_depth - 1)
