"""Scikit-learn's bundled handwritten digits as image files.

1,797 scans of 8x8 pixels in ten classes (Alpaydin and Kaynak 1998, UCI "Optical Recognition of
Handwritten Digits", test part). Values 0..16 become gray 0..255.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vision.datasets.whole_folder import whole_folder
from vision.home import folder


def digits_folder() -> Path:
    """Returns ``home()/datasets/digits``, holding ``<class>/NNNN.png``; written on first use.

    The files are written to a folder of their own that is renamed when it is complete, so a
    killed or a second process never leaves half a dataset behind.
    """
    target = folder("datasets") / "digits"
    if target.is_dir():
        return target
    with whole_folder(target) as draft:
        _write(draft)
    return target


def _write(root: Path) -> None:
    import cv2
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (image, target) in enumerate(zip(digits.images, digits.target, strict=True)):
        gray = np.rint(image * (255 / 16)).astype(np.uint8)
        _, encoded = cv2.imencode(".png", gray)
        path = root / str(target) / f"{number:04d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded.tobytes())
