"""The one preprocessing: from an image file to what every model takes.

Images are (height, width, 3) RGB uint8 in 0..255; scaling to floats happens inside the model, so
there is no second place where it could differ.
"""

from __future__ import annotations

import cv2
import numpy as np

from vision.images.decode import DEFAULT_LIMITS, decode_image
from vision.images.types import ImageLimits, Pixels


def resize_image(image: Pixels, input_size: tuple[int, int]) -> Pixels:
    """Resizes an image, without keeping its aspect.

    Area averaging where the image shrinks in both directions keeps fine patterns from turning
    into moiré; linear interpolation everywhere else.

    Args:
      image: (h, w, 3) RGB uint8.
      input_size: (height, width) in pixels.

    Returns:
      (height, width, 3) RGB uint8, C-contiguous; the image itself where the size is right already.
    """
    height, width = input_size
    if image.shape[:2] == (height, width):
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width, height), interpolation=interpolation)
    return resized.astype(np.uint8, copy=False)


def load_image(
    data: bytes, input_size: tuple[int, int], limits: ImageLimits = DEFAULT_LIMITS
) -> Pixels:
    """Decodes an image file and resizes it to a model's input.

    Args:
      data: the whole file.
      input_size: (height, width) in pixels.
      limits: the largest image that is decoded.

    Returns:
      (height, width, 3) RGB uint8, C-contiguous.

    Raises:
      ImageError: the bytes are not a usable image.
    """
    return resize_image(decode_image(data, limits), input_size)
