"""Small pictures of the images that a finding is about."""

from __future__ import annotations

from pathlib import Path

import cv2

from vision.datasets.bounds import bounds_of
from vision.datasets.scan import refusal
from vision.errors import ImageError
from vision.images.decode import DEFAULT_LIMITS, decode_image
from vision.images.preprocess import resize_image
from vision.validation.report_page import Thumbnail

_SIDE_PX = 64


def thumbnails_from(root: Path) -> Thumbnail:
    """Returns a function from an image's relative path to a PNG file of at most 64 x 64 pixels.

    It gives None for what cannot be shown: files that are missing, unreadable or no image. Those
    are found and named elsewhere; a page about them must still be made. What the scan of a dataset
    would not open is not opened here either: findings name pipes, links that lead outside and
    files above the size limit, and the page goes to people who may not see the rest of the disk.
    """
    bounds = bounds_of(root)

    def thumbnail(path: str) -> bytes | None:
        file = root / path
        if refusal(file, bounds):
            return None
        try:
            if file.stat().st_size > DEFAULT_LIMITS.max_bytes:
                return None
            return _shrink(file.read_bytes())
        except (OSError, ImageError):
            return None

    return thumbnail


def _shrink(data: bytes) -> bytes | None:
    image = decode_image(data)
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE_PX / max(height, width))
    small = resize_image(image, (max(1, round(height * scale)), max(1, round(width * scale))))
    encoded, png = cv2.imencode(".png", small[:, :, ::-1])
    return png.tobytes() if encoded else None
