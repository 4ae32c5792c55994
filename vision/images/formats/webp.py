"""WebP headers (RFC 9649): lossy VP8, lossless VP8L, and the extended VP8X container."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vision.errors import ImageError
from vision.images.formats.ifd import read_orientation
from vision.images.types import ImageHeader

_MAX_CHUNKS = 100_000
_HAS_ALPHA, _IS_ANIMATED = 0x10, 0x02


def is_webp(data: bytes) -> bool:
    """Tells whether the bytes start like a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_webp(data: bytes) -> ImageHeader:
    """Reads the header of a WebP file.

    Raises:
      ImageError: ``corrupt``; or ``truncated`` where the file ends before its size is known.
    """
    stated = 8 + int.from_bytes(data[4:8], "little")
    canvas: tuple[int, int] | None = None
    first: tuple[int, int] | None = None
    has_alpha, is_animated, orientation = False, False, 1
    for name, start, end in _chunks(data):
        if name == b"VP8X":
            flags = data[start]
            has_alpha, is_animated = bool(flags & _HAS_ALPHA), bool(flags & _IS_ANIMATED)
            canvas = (_u24(data, start + 4) + 1, _u24(data, start + 7) + 1)
        elif name in (b"VP8 ", b"VP8L") and first is None:
            first, is_transparent = _read_bitstream(data, name, start)
            has_alpha = has_alpha or is_transparent
        elif name == b"EXIF":
            orientation = read_orientation(data[start:end])
    if first is not None and canvas is not None and first != canvas and not is_animated:
        raise ImageError("corrupt", f"The WebP's canvas is {canvas}, its image {first}.")
    size = canvas or first
    if size is None:
        raise ImageError("truncated", "The WebP ends before its image; fetch it again.")
    return ImageHeader(
        format="webp",
        width=size[0],
        height=size[1],
        has_alpha=has_alpha,
        bit_depth=8,
        mode="RGBA" if has_alpha else "RGB",
        is_animated=is_animated,
        is_complete=stated <= len(data) and (first is not None or is_animated),
        orientation=orientation,
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields (name, start, end) of each chunk's payload; the last one may be cut short."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, length = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, min(position + 8 + length, len(data))
        position += 8 + length + length % 2
    raise ImageError("corrupt", f"The WebP has more than {_MAX_CHUNKS:,} chunks.")


def _read_bitstream(data: bytes, name: bytes, start: int) -> tuple[tuple[int, int], bool]:
    """Returns ((width, height), is transparent) of a VP8 or VP8L bitstream."""
    if name == b"VP8L":
        signature, bits = struct.unpack_from("<BI", data, start)
        if signature != 0x2F:
            raise ImageError("corrupt", "The WebP's lossless image has no signature.")
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1), bool(bits >> 28 & 1)
    code, width, height = struct.unpack_from("<3sHH", data, start + 3)
    width, height = width & 0x3FFF, height & 0x3FFF
    if code != b"\x9d\x01\x2a" or not (width and height):
        raise ImageError("corrupt", f"The WebP's image says {width}x{height} pixels.")
    return (width, height), False


def _u24(data: bytes, start: int) -> int:
    low, high = struct.unpack_from("<HB", data, start)
    return int(low) | int(high) << 16
