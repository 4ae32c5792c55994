"""Thumbnails for the page."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vision.validation.thumbnails import thumbnails_from


def test_large_images_shrink_and_keep_aspect_and_colour(tmp_path: Path) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:] = (200, 30, 10)
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, ::-1])
    png = thumbnails_from(tmp_path)("a.png")
    assert png is not None
    small = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape == (32, 64, 3)
    assert small[16, 32, ::-1].tolist() == [200, 30, 10]


def test_small_images_stay_as_they_are(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    png = thumbnails_from(tmp_path)("a.png")
    assert png is not None
    assert png[16:24] == (8).to_bytes(4, "big") * 2


def test_what_is_no_image_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not an image")
    thumbnail = thumbnails_from(tmp_path)
    assert thumbnail("text.jpg") is None
    assert thumbnail("missing.jpg") is None
