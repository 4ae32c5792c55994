"""The one decoder: image bytes to RGB pixels.

Pixels are (height, width, 3) uint8 in RGB order, upright and C-contiguous:

* EXIF orientation is applied, for JPEG, PNG, WebP and TIFF alike;
* transparent pixels are composited on white;
* 16-bit samples keep their upper eight bits (``>> 8``), gray becomes three equal channels, and
  CMYK and palettes become RGB; colour profiles are ignored;
* of animations and multi-page files the first frame is decoded, and no other;
* GIF is refused: the locked OpenCV carries no reader for it;
* a JPEG without its end-of-image marker is refused as truncated, even if some viewers show it.
"""

from __future__ import annotations

import cv2
import numpy as np

from vision.errors import ImageError
from vision.images.formats.png import without_extras
from vision.images.header import ImageHeader, read_header
from vision.images.types import AnySamples, ImageLimits, Pixels

DEFAULT_LIMITS = ImageLimits()

_TRANSPOSED = (5, 6, 7, 8)

# Each failure below becomes an ImageError with a sentence of its own; OpenCV's C++ lines on
# standard error would repeat it without saying which image.
cv2.setLogLevel(0)


def decode_image(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Pixels:
    """Decodes an image file.

    Args:
      data: the whole file.
      limits: sizes above which the image is refused before its pixels are allocated.

    Returns:
      (height, width, 3) RGB uint8, C-contiguous.

    Raises:
      ImageError: ``empty``, ``unknown_format``, ``corrupt``, ``truncated`` or ``too_large``.
    """
    return decode_with_header(data, limits)[0]


def decode_with_header(
    data: bytes, limits: ImageLimits = DEFAULT_LIMITS
) -> tuple[Pixels, ImageHeader]:
    """Decodes an image file and returns its header too, which says what was changed on the way.

    Raises:
      ImageError: as for :func:`decode_image`.
    """
    check_limits(data, limits)
    header = read_header(data)
    _check_header(header, len(data), limits)
    pixels = _read_pixels(data, header)
    _check_shape(pixels, header)
    return _oriented(pixels, header), header


def changes_of(header: ImageHeader) -> tuple[str, ...]:
    """Returns a sentence for each thing of an image file that its pixels no longer have."""
    changes = []
    if header.is_animated:
        changes.append("The file has several frames or pages; the first was read.")
    if header.bit_depth == 16:
        changes.append("The samples have 16 bits; their upper 8 were kept.")
    if header.has_alpha:
        changes.append("Transparent pixels were laid on white.")
    if header.mode == "CMYK":
        changes.append("CMYK was turned into RGB without a colour profile.")
    return tuple(changes)


def check_limits(data: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> None:
    """Refuses files longer than ``limits.max_bytes``.

    Raises:
      ImageError: ``too_large``.
    """
    if len(data) > limits.max_bytes:
        raise ImageError(
            "too_large",
            f"The image has {len(data):,} bytes; at most {limits.max_bytes:,} are read.",
        )


def _check_header(header: ImageHeader, n_bytes: int, limits: ImageLimits) -> None:
    if header.n_pixels > limits.max_pixels:
        raise ImageError(
            "too_large",
            f"The image has {header.width}x{header.height} pixels; "
            f"at most {limits.max_pixels:,} are decoded. Make it smaller.",
        )
    longest, shortest = max(header.width, header.height), min(header.width, header.height)
    if longest > limits.max_aspect * max(shortest, 1):
        raise ImageError(
            "too_large",
            f"The image has {header.width}x{header.height} pixels; one side may be at most "
            f"{limits.max_aspect:g} times the other. Crop it.",
        )
    if header.format == "gif":
        raise ImageError("unknown_format", "GIF is not read; save the image as PNG or JPEG.")
    if not header.is_complete:
        raise ImageError(
            "truncated",
            f"The {header.format.upper()} of {header.width}x{header.height} pixels ends too early, "
            f"after {n_bytes:,} bytes; fetch it again.",
        )


def _read_pixels(data: bytes, header: ImageHeader) -> Pixels:
    """Returns (height, width, 3) RGB uint8 as stored, before orientation."""
    keeps_samples = header.has_alpha or header.bit_depth == 16
    pixels = _imdecode(
        without_extras(data) if header.format == "png" else data,
        cv2.IMREAD_UNCHANGED if keeps_samples else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    )
    if header.transparent_gray is not None and pixels.ndim == 2:
        white = np.array(255 if pixels.dtype == np.uint8 else 65535, pixels.dtype)
        pixels = np.where(pixels == header.transparent_gray, white, pixels)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ImageError("unknown_format", f"Samples of type {pixels.dtype} are not read.")
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if pixels.shape[2] == 4:
        return _on_white(pixels, is_premultiplied=header.format == "tiff")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _imdecode(data: bytes, flags: int) -> AnySamples:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError("corrupt", f"The image cannot be decoded: {error.err}.") from error
    # OpenCV's stub promises an array; for damaged files it is None.
    if pixels is None or pixels.size == 0:
        raise ImageError("corrupt", "The image has a header but its pixels cannot be decoded.")
    return pixels


def _on_white(pixels: Pixels, is_premultiplied: bool) -> Pixels:
    """Composites (height, width, 4) BGRA uint8 on white, to RGB."""
    color = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    alpha = cv2.cvtColor(pixels[..., 3], cv2.COLOR_GRAY2RGB)
    # libtiff hands out colours that are multiplied by alpha already.
    shown = color if is_premultiplied else cv2.multiply(color, alpha, scale=1 / 255)
    return cv2.add(shown, cv2.bitwise_not(alpha)).astype(np.uint8, copy=False)


def _check_shape(pixels: Pixels, header: ImageHeader) -> None:
    expected = (header.height, header.width)
    if header.format == "tiff" and header.orientation in _TRANSPOSED:
        expected = expected[::-1]
    if pixels.shape[:2] != expected:
        raise ImageError(
            "corrupt", f"The header says {expected} pixels, the image has {pixels.shape[:2]}."
        )


def _oriented(pixels: Pixels, header: ImageHeader) -> Pixels:
    """Turns stored pixels upright (EXIF 2.32, tag 0x0112)."""
    # OpenCV turns TIFF pages by itself, whatever it is asked.
    orientation = 1 if header.format == "tiff" else header.orientation
    if orientation in _TRANSPOSED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
