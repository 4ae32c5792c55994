"""Differences of pictures: copies are near 0, other pictures far beyond 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.corpus import encode, picture
from vision.validation.near_duplicates.pixels import Thumbnails


def test_differences_of_pixels(tmp_path: Path) -> None:
    shown = picture(3, (80, 80))
    brighter = shown.point(lambda value: 40 + value * 0.8)
    mirrored = shown.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    images = (shown, brighter, mirrored, picture(4, (80, 80)), Image.new("RGB", (80, 80)))
    paths = [f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        (tmp_path / path).write_bytes(encode(image, "PNG"))
    thumbnails = Thumbnails(tmp_path, paths, np.full(5, 80))
    first, second = np.zeros(5, np.int64), np.arange(5)
    thumbnails.read(second, "comparing images")
    same, bright, mirror, other, flat = thumbnails.differences(first, second, is_mirrored=False)
    assert same == pytest.approx(0, abs=1e-5)
    assert bright < 0.01
    assert min(mirror, other) > 4
    assert flat == pytest.approx(1 / 0.075)
    turned = thumbnails.differences(first, second, is_mirrored=True)
    assert turned[2] == pytest.approx(0, abs=1e-5)
    assert turned[0] == pytest.approx(mirror, abs=1e-4)
    assert thumbnails.levels_apart(0, 2, is_mirrored=True) == 0.0
    assert thumbnails.levels_apart(0, 4, is_mirrored=False) == pytest.approx(
        np.asarray(shown).mean(), abs=1
    )
