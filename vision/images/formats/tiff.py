"""TIFF headers (TIFF 6.0): the first page only."""

from __future__ import annotations

from vision.errors import ImageError
from vision.images.formats.ifd import Directory, read_directory
from vision.images.types import ImageHeader, ImageMode

SIGNATURES = (b"II*\0", b"MM\0*")

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 262, 274
_N_SAMPLES, _TILE_WIDTH, _TILE_HEIGHT, _EXTRA, _SAMPLE_FORMAT = 277, 322, 323, 338, 339
_STRIPS, _TILES = (273, 279), (324, 325)
_PALETTE, _CMYK = 3, 5
_UNSIGNED = 1
_MAX_TILE_PX = 16_384


def read_tiff(data: bytes) -> ImageHeader:
    """Reads the header of a TIFF's first page.

    Raises:
      ImageError: ``corrupt``; ``unknown_format`` for samples that have no agreed meaning as 8 bits.
      struct.error: the file ends inside its first directory.
    """
    page = read_directory(data)
    width, height = page.value(_WIDTH, 0), page.value(_HEIGHT, 0)
    n_samples, bits = page.value(_N_SAMPLES, 1), page.value(_BITS, 1)
    if not (width and height and n_samples):
        raise ImageError("corrupt", f"The TIFF says {width}x{height} pixels.")
    if max(page.value(_TILE_WIDTH, 1), page.value(_TILE_HEIGHT, 1)) > _MAX_TILE_PX:
        raise ImageError("corrupt", f"The TIFF's tiles are over {_MAX_TILE_PX:,} pixels wide.")
    mode = _mode(page.value(_PHOTOMETRIC, 1), n_samples, bool(len(page.values(_EXTRA))))
    has_alpha = mode in ("LA", "RGBA")
    is_unsigned = page.value(_SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED
    if mode == "LA" or bits not in (1, 2, 4, 8, 16) or not is_unsigned or (has_alpha and bits > 8):
        raise ImageError(
            "unknown_format",
            f"TIFF with {n_samples} channels of {bits} bits is not read; save the image as PNG.",
        )
    return ImageHeader(
        format="tiff",
        width=width,
        height=height,
        has_alpha=has_alpha,
        bit_depth=bits,
        mode=mode,
        is_animated=page.next_offset != 0,
        is_complete=_is_complete(page),
        orientation=page.value(_ORIENTATION, 1),
    )


def _mode(photometric: int, n_samples: int, has_extra: bool) -> ImageMode:
    if photometric == _PALETTE:
        return "P"
    if photometric == _CMYK:
        return "CMYK"
    if n_samples >= 3:
        return "RGBA" if has_extra else "RGB"
    return "LA" if n_samples == 2 or has_extra else "L"


def _is_complete(page: Directory) -> bool:
    """Tells whether every strip or tile of pixels lies inside the file."""
    for offset_tag, length_tag in (_STRIPS, _TILES):
        offsets, lengths = page.values(offset_tag), page.values(length_tag)
        if len(offsets):
            n = min(len(offsets), len(lengths))
            return n > 0 and int((offsets[:n] + lengths[:n]).max()) <= len(page.data)
    return False
