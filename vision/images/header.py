"""The header of an image file, read without decoding a pixel.

The format is told by the bytes alone: names and declared content types are not asked. Sizes are
known here before anything is allocated, so a bomb is refused for the price of its first bytes.
"""

from __future__ import annotations

import struct

from vision.errors import ImageError
from vision.images.formats import bmp, jpeg, png, tiff, webp
from vision.images.types import ImageHeader

__all__ = ["ImageHeader", "read_header"]

_GIF_SIGNATURES = (b"GIF87a", b"GIF89a")


def read_header(data: bytes) -> ImageHeader:
    """Reads the header of a JPEG, PNG, WebP, BMP, TIFF or GIF file.

    Args:
      data: the whole file.

    Returns:
      what the header says; ``is_complete`` is False where the file ends too early.

    Raises:
      ImageError: ``empty``, ``unknown_format``, ``corrupt``, or ``truncated`` where the file ends
        before its size in pixels is known.
    """
    if not data:
        raise ImageError("empty", "The image has 0 bytes.")
    try:
        return _read(data)
    except struct.error as error:
        raise ImageError(
            "truncated", f"The image ends inside its header ({len(data):,} bytes); fetch it again."
        ) from error


def _read(data: bytes) -> ImageHeader:
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read_jpeg(data)
    if data.startswith(png.SIGNATURE):
        return png.read_png(data)
    if webp.is_webp(data):
        return webp.read_webp(data)
    if data.startswith(tiff.SIGNATURES):
        return tiff.read_tiff(data)
    if data.startswith(_GIF_SIGNATURES):
        return _read_gif(data)
    if data.startswith(bmp.SIGNATURE):
        return bmp.read_bmp(data)
    raise ImageError(
        "unknown_format",
        f"The bytes start with {data[:8]!r}, which is no JPEG, PNG, WebP, BMP or TIFF image.",
    )


def _read_gif(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from("<HH", data, 6)
    if not (width and height):
        raise ImageError("corrupt", f"The GIF says {width}x{height} pixels.")
    return ImageHeader(
        format="gif",
        width=width,
        height=height,
        has_alpha=False,
        bit_depth=8,
        mode="P",
        is_animated=b"NETSCAPE2.0" in data[:4096],
        is_complete=data.endswith(b";"),
    )
