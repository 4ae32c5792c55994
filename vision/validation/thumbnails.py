"""Small pictures of the images that a finding is about."""

from __future__ import annotations

from pathlib import Path

from vision.errors import ImageError
from vision.validation.report_page import Thumbnail

_SIDE_PX = 64


def thumbnails_from(root: Path) -> Thumbnail:
    """Returns a function from an image's relative path to a PNG file of at most 64 x 64 pixels.

    It gives None for what cannot be shown: files that are missing, unreadable or no image. Those
    are found and named elsewhere; a page about them must still be made.
    """

    def thumbnail(path: str) -> bytes | None:
        import cv2

        from vision.images.decode import decode_image
        from vision.images.preprocess import resize_image

        try:
            image = decode_image((root / path).read_bytes())
        except (OSError, ImageError):
            return None
        height, width = image.shape[:2]
        scale = min(1.0, _SIDE_PX / max(height, width))
        small = resize_image(image, (max(1, round(height * scale)), max(1, round(width * scale))))
        encoded, png = cv2.imencode(".png", small[:, :, ::-1])
        return png.tobytes() if encoded else None

    return thumbnail
