"""What one image looks like in a few numbers, from the pixels that the one decoder gives.

Training, the reference set and the service measure with this one function. Every value is finite.
Gray is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).

====================  =======  ==================================================================
column                range    what it is
====================  =======  ==================================================================
brightness            0..1     mean of gray
contrast              0..0.5   standard deviation of gray
sharpness             >= 0     variance of gray's Laplacian, gray in 0..255 (Pech-Pacheco 2000)
saturation            0..1     mean of HSV saturation, (max - min) / max
red_mean ...          0..1     mean of each channel; also green_mean, blue_mean
red_deviation ...     0..0.5   its standard deviation; also green_deviation, blue_deviation
aspect                > 0      width / height
area_px               >= 1     width * height, in pixels
n_bytes               >= 1     length of the file, in bytes
entropy               0..8     Shannon entropy of gray's 256-bin histogram, in bits
is_near_constant      bool     contrast below 0.01: no more than a flat colour
perceptual_hash       16 hex   64 bits: signs of the 8x8 lowest DCT frequencies of gray at 32x32
                               pixels against their median (pHash, Zauner 2010)
mirrored_hash         16 hex   the perceptual hash of the image mirrored left to right
====================  =======  ==================================================================
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from vision.images.types import Pixels

NUMERIC = (
    "brightness",
    "contrast",
    "sharpness",
    "saturation",
    "red_mean",
    "green_mean",
    "blue_mean",
    "red_deviation",
    "green_deviation",
    "blue_deviation",
    "aspect",
    "area_px",
    "n_bytes",
    "entropy",
)
_FLAT_CONTRAST = 0.01
# Mirroring left to right turns the sign of each odd horizontal frequency of the DCT.
_MIRRORED = np.tile(np.array([1, -1], np.float32), (8, 4))


def measure_image(image: Pixels, n_bytes: int) -> dict[str, Any]:
    """Returns the properties of one image by name.

    Args:
      image: (height, width, 3) RGB uint8.
      n_bytes: length of its file.
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    mean, deviation = cv2.meanStdDev(gray)
    _, edges = cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_16S))
    saturation = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))[1]
    channel_mean, channel_deviation = cv2.meanStdDev(image)
    red, green, blue = (channel_mean[:, 0] / 255).tolist()
    red_deviation, green_deviation, blue_deviation = (channel_deviation[:, 0] / 255).tolist()
    contrast = deviation[0, 0] / 255
    perceptual_hash, mirrored_hash = _perceptual_hashes(gray)
    return {
        "brightness": mean[0, 0] / 255,
        "contrast": contrast,
        "sharpness": edges[0, 0] ** 2,
        "saturation": saturation / 255,
        "red_mean": red,
        "green_mean": green,
        "blue_mean": blue,
        "red_deviation": red_deviation,
        "green_deviation": green_deviation,
        "blue_deviation": blue_deviation,
        "aspect": width / height,
        "area_px": width * height,
        "n_bytes": n_bytes,
        "entropy": _entropy(gray),
        "is_near_constant": bool(contrast < _FLAT_CONTRAST),
        "perceptual_hash": perceptual_hash,
        "mirrored_hash": mirrored_hash,
    }


def _entropy(gray: Any) -> float:
    counts = np.bincount(gray.ravel(), minlength=256)
    shares = counts[counts > 0] / gray.size
    return max(0.0, float(-(shares * np.log2(shares)).sum()))


def _perceptual_hashes(gray: Any) -> tuple[str, str]:
    """Returns the hash of an image and that of its mirror image, from one transform."""
    small = cv2.resize(gray, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8]
    both = np.stack([low, low * _MIRRORED]).reshape(2, 64)
    bits = both > np.median(both, axis=1, keepdims=True)
    upright, mirrored = np.packbits(bits, axis=1)
    return upright.tobytes().hex(), mirrored.tobytes().hex()
