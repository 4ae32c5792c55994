"""Draws where in the image the winning class was seen, from the serving graph's activation map.

The map ``(h, w)`` is coarse, often 7 x 7; it is clipped at 0, divided by its maximum and resized
with cubic interpolation to the picture, whose size is that of the upright image, with at most
``MAX_SIDE_PX`` pixels on the longer side. The result is the heat, 0 to 1. It is coloured with
Inferno, whose brightness grows evenly with the value. A map that is 0 everywhere is no error: the
heatmap is then empty and the overlay is the image.

- ``overlay``: the image with the heat's colours laid over it, the hotter the more opaque.
- ``heatmap``: the colours alone. As PNG its alpha is the heat, so that a page can lay it over the
  image; JPEG has no alpha, there it stands on Inferno's black.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from serving.png import encode_indexed, encode_rgb
from serving.schema import Explanation
from vision.errors import VisionError
from vision.images.types import Pixels

Floats = npt.NDArray[np.float32]
Heat = npt.NDArray[np.uint8]
Kind = Literal["heatmap", "overlay"]
Format = Literal["jpeg", "png"]

MAX_SIDE_PX = 1024
MEDIA_TYPES: dict[Format, str] = {"jpeg": "image/jpeg", "png": "image/png"}

# How much of the image the hottest place hides.
_OPACITY = 0.8
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 85]


class ExplanationError(VisionError):
    """There is no picture for a prediction; the prediction itself is not touched by it."""


@dataclass(frozen=True)
class Picture:
    """An encoded picture.

    Attributes:
      data: the whole file.
      media_type: ``image/jpeg`` or ``image/png``.
      width: in pixels.
      height: in pixels.
    """

    data: bytes
    media_type: str
    width: int
    height: int


def draw_explanation(
    activation_map: Floats | None, pixels: Pixels, kind: Kind, picture_format: Format
) -> Explanation:
    """Draws the picture of an answer; where there is none, the answer says why. Never raises.

    Args:
      activation_map: ``(h, w)``, finite; None where the model gives none.
      pixels: the upright image, ``(height, width, 3)`` RGB uint8.
      kind: what is drawn.
      picture_format: how it is encoded.
    """
    try:
        picture = _draw(activation_map, pixels, kind, picture_format)
    except ExplanationError as error:
        return Explanation(kind=kind, media_type=None, reason=str(error))
    return Explanation(
        kind=kind,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        data=base64.b64encode(picture.data).decode("ascii"),
    )


def draw_picture(
    activation_map: Floats | None, pixels: Pixels, kind: Kind, picture_format: Format
) -> tuple[bytes, str]:
    """Returns the file of the picture and its media type; arguments as :func:`draw_explanation`.

    Raises:
      ExplanationError: the map is missing, empty or not finite, or the picture cannot be drawn.
    """
    picture = _draw(activation_map, pixels, kind, picture_format)
    return picture.data, picture.media_type


def _draw(
    activation_map: Floats | None, pixels: Pixels, kind: Kind, picture_format: Format
) -> Picture:
    coarse = _coarse_heat(activation_map)
    try:
        shown = _shrink(pixels)
        height, width = shown.shape[:2]
        heat = _resize(coarse, (width, height), cv2.INTER_CUBIC)
        data = _encode(heat, shown, kind, picture_format)
    except (cv2.error, MemoryError) as error:
        size = f"{pixels.shape[0]} x {pixels.shape[1]} pixels"
        raise ExplanationError(
            f"The {kind} of an image of {size} could not be drawn; leave 'explain' out."
        ) from error
    return Picture(data, MEDIA_TYPES[picture_format], width, height)


def _coarse_heat(activation_map: Floats | None) -> Heat:
    """Returns the map as uint8, its maximum at 255.

    Raises:
      ExplanationError: there is nothing that could be drawn.
    """
    if activation_map is None:
        raise ExplanationError("The model gives no activation map; make a new bundle.")
    if activation_map.ndim != 2 or not activation_map.size:
        raise ExplanationError(
            f"The model's activation map has the shape {activation_map.shape}, and must have two "
            "axes of at least 1; make a new bundle."
        )
    if not np.isfinite(activation_map).all():
        raise ExplanationError(
            "The model's activation map holds values that are not finite; check its weights."
        )
    peak = float(activation_map.max())
    if peak <= 0:
        return np.zeros(activation_map.shape, np.uint8)
    return np.asarray(np.rint(np.maximum(activation_map, 0) / peak * 255), np.uint8)


def _shrink(pixels: Pixels) -> Pixels:
    """Makes the longer side ``MAX_SIDE_PX`` at most."""
    height, width = pixels.shape[:2]
    factor = MAX_SIDE_PX / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    if factor < 0.5:
        # Averages over 2 x 2 of twice the size: nearly as clean as all pixels' mean (12 megapixels
        # in 9 ms instead of 39).
        pixels = _resize(pixels, (2 * size[0], 2 * size[1]), cv2.INTER_LINEAR)
    return _resize(pixels, size, cv2.INTER_AREA)


def _resize(image: Pixels, size: tuple[int, int], interpolation: int) -> Pixels:
    """Resizes to ``(width, height)``; values stay within 0..255."""
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _encode(heat: Heat, pixels: Pixels, kind: Kind, picture_format: Format) -> bytes:
    if kind == "heatmap" and picture_format == "png":
        return encode_indexed(heat, _COLOURS, np.arange(256, dtype=np.uint8))
    drawn = _lay_over(heat, pixels) if kind == "overlay" else _through(heat, _COLOURS)
    if picture_format == "png":
        return encode_rgb(drawn)
    reversed_channels = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", reversed_channels, _JPEG)[1].tobytes())


def _lay_over(heat: Heat, pixels: Pixels) -> Pixels:
    """Returns ``image * (1 - a) + colour * a`` with a = opacity * heat."""
    kept = cv2.multiply(pixels, _through(heat, _KEPT), scale=1 / 255)
    return np.asarray(cv2.add(kept, _through(heat, _ADDED)))


def _through(heat: Heat, table: Pixels) -> Pixels:
    """Looks each value up in a table of 256 colours."""
    return np.asarray(cv2.applyColorMap(heat, table))


def _tables() -> tuple[Pixels, Pixels, Pixels]:
    """Returns for each heat, ``(256, 1, 3)`` RGB: its colour, and an overlay's two terms."""
    heat = np.arange(256, dtype=np.uint8)[:, None]
    colours = np.ascontiguousarray(cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO)[..., ::-1])
    opacity = _OPACITY * heat[..., None] / 255
    kept = np.broadcast_to(np.rint(255 * (1 - opacity)), colours.shape)
    return colours, kept.astype(np.uint8), np.rint(colours * opacity).astype(np.uint8)


_COLOURS, _KEPT, _ADDED = _tables()
