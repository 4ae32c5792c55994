"""What is known of an image before its pixels are decoded, and how large it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

# (height, width, 3) RGB, unless a function says otherwise.
Pixels = npt.NDArray[np.uint8]
# What the decoder hands out: (height, width) or (height, width, 3 or 4), 8 or 16 bits.
AnySamples = npt.NDArray[Any]

ImageFormat = Literal["jpeg", "png", "webp", "bmp", "tiff", "gif"]
ImageMode = Literal["L", "LA", "P", "RGB", "RGBA", "CMYK"]


@dataclass(frozen=True)
class ImageHeader:
    """What the header of an image file says; no pixel was decoded.

    Attributes:
      format: the format that the bytes are in, whatever the file is called.
      width: stored width in pixels, before ``orientation`` is applied.
      height: stored height in pixels, before ``orientation`` is applied.
      has_alpha: whether some pixels may be transparent (alpha channel, palette or key colour).
      bit_depth: bits per channel (per index for palettes): 1, 2, 4, 8 or 16.
      mode: the channels, in Pillow's letters; ``bit_depth`` tells their width.
      is_animated: whether there are further frames or pages; only the first is ever decoded.
      is_complete: whether the file reaches the end that its format demands.
      orientation: EXIF orientation 1..8; 1 is upright.
      transparent_gray: the gray sample that stands for "transparent", where a PNG names one.
    """

    format: ImageFormat
    width: int
    height: int
    has_alpha: bool
    bit_depth: int
    mode: ImageMode
    is_animated: bool
    is_complete: bool
    orientation: int = 1
    transparent_gray: int | None = None

    @property
    def n_pixels(self) -> int:
        """Pixels of the first frame."""
        return self.width * self.height


@dataclass(frozen=True)
class ImageLimits:
    """The largest image that is decoded; all are checked before any pixel is allocated.

    Attributes:
      max_pixels: width times height.
      max_bytes: length of the file.
      max_aspect: longer side over shorter side; by default any shape is read.
    """

    max_pixels: int = 50_000_000
    max_bytes: int = 20 * 1024 * 1024
    max_aspect: float = math.inf
