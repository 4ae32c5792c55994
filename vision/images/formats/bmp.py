"""BMP headers (Windows BITMAPINFOHEADER and its successors)."""

from __future__ import annotations

import struct

from vision.errors import ImageError
from vision.images.types import ImageHeader, ImageMode

SIGNATURE = b"BM"

_UNCOMPRESSED = (0, 3)
_MODES: dict[int, ImageMode] = {1: "P", 4: "P", 8: "P", 16: "RGB", 24: "RGB", 32: "RGB"}


def read_bmp(data: bytes) -> ImageHeader:
    """Reads the header of a BMP.

    Raises:
      ImageError: ``corrupt``; ``unknown_format`` where two letters are all it shares with a BMP.
      struct.error: the file ends inside its header.
    """
    pixels_at, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    elif 40 <= header_size <= 124:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise ImageError("unknown_format", "The file starts with BM but is no BMP image.")
    height = abs(height)
    if width <= 0 or height == 0 or bits not in _MODES:
        raise ImageError("corrupt", f"The BMP says {width}x{height} pixels of {bits} bits.")
    has_alpha = bits == 32 and header_size >= 56 and _alpha_mask(data) != 0
    stride = (width * bits + 31) // 32 * 4
    # A run-length encoded image tells its end only while it is decoded.
    needed = pixels_at + stride * height if compression in _UNCOMPRESSED else pixels_at + 1
    return ImageHeader(
        format="bmp",
        width=width,
        height=height,
        has_alpha=has_alpha,
        bit_depth=min(8, bits),
        mode="RGBA" if has_alpha else _MODES[bits],
        is_animated=False,
        is_complete=needed <= len(data),
    )


def _alpha_mask(data: bytes) -> int:
    return int(struct.unpack_from("<I", data, 66)[0])
