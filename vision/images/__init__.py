"""From the bytes of an image file to pixels, the same way everywhere.

Training, validation, the reference set, the service and its page all read images through
:func:`load_image`, so a model never sees pixels that were made differently from those it learnt.
"""

from vision.images.decode import DEFAULT_LIMITS, check_limits, decode_image
from vision.images.header import ImageHeader, read_header
from vision.images.preprocess import load_image, resize_image
from vision.images.types import ImageLimits

__all__ = [
    "DEFAULT_LIMITS",
    "ImageHeader",
    "ImageLimits",
    "check_limits",
    "decode_image",
    "load_image",
    "read_header",
    "resize_image",
]
