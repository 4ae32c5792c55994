"""The one decoder: Pillow's pixels where both agree, and a reason where there are none."""

from __future__ import annotations

import io
import resource
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.corpus import (
    Case,
    encode,
    good_cases,
    oriented,
    picture,
    png_of,
    png_with,
    zeros_compressed,
)
from vision.errors import ImageError
from vision.images import ImageLimits, decode_image
from vision.images.types import Pixels

CASES = good_cases()


def pillow_pixels(data: bytes) -> Pixels:
    """Returns the first frame as Pillow reads it, on white, (h, w, 3) RGB uint8."""
    image = Image.open(io.BytesIO(data))
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_pixels_equal_those_of_pillow(case: Case) -> None:
    pixels, expected = decode_image(case.data), pillow_pixels(case.data)
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    difference = np.abs(pixels.astype(int) - expected.astype(int))
    assert difference.mean() <= 1.0
    assert difference.max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_upper_eight(kind: str) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (20, 30), dtype=np.uint16)
    pixels = decode_image(encode(Image.fromarray(samples), kind))
    np.testing.assert_array_equal(pixels, np.repeat((samples >> 8)[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_are_turned_upright(kind: str, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    stored = Image.open(io.BytesIO(oriented(kind, orientation))).convert("RGB")
    if kind == "TIFF":
        stored = picture()
    upright = stored.transpose(turns[orientation]) if orientation in turns else stored
    np.testing.assert_array_equal(decode_image(oriented(kind, orientation)), np.asarray(upright))


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_cut_at_fifty_points_is_refused_each_time(progressive: bool) -> None:
    data = encode(picture(), "JPEG", quality=95, progressive=progressive)
    for cut in np.linspace(1, len(data) - 1, 50).astype(int):
        with pytest.raises(ImageError) as caught:
            decode_image(data[:cut])
        assert caught.value.reason in ("truncated", "unknown_format")


def test_thumbnail_does_not_hide_truncation() -> None:
    (case,) = [case for case in CASES if case.name == "jpeg_thumbnail"]
    with pytest.raises(ImageError, match="JPEG of 61x43 pixels ends too early"):
        decode_image(case.data[:-40])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.98])
def test_other_formats_cut_short_are_refused(kind: str, share: float) -> None:
    data = encode(picture(), kind)
    with pytest.raises(ImageError):
        decode_image(data[: int(share * len(data))])


def test_random_bytes_never_crash() -> None:
    rng = np.random.default_rng(0)
    starts = [b"", *(case.data[:40] for case in CASES)]
    for number in range(2_000):
        start = starts[number % len(starts)]
        with pytest.raises(ImageError):
            decode_image(start + rng.bytes(int(rng.integers(0, 400))))


@settings(max_examples=300)
@given(st.sampled_from(CASES), st.floats(0, 1), st.binary(min_size=1, max_size=8))
def test_damaged_files_decode_or_say_why(case: Case, where: float, patch: bytes) -> None:
    data = bytearray(case.data)
    start = int(where * (len(data) - 1))
    data[start : start + len(patch)] = patch
    try:
        pixels = decode_image(bytes(data), ImageLimits(max_pixels=1_000_000))
    except ImageError:
        return
    assert pixels.shape[2:] == (3,)
    assert pixels.dtype == np.uint8


def refused_cheaply(data: bytes) -> str:
    """Decodes what must be refused, and returns the reason; 8 MB is more than a refusal needs."""
    tracemalloc.start()
    try:
        with pytest.raises(ImageError) as caught:
            decode_image(data)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    return caught.value.reason


def test_hundred_megapixel_png_is_refused_from_its_header() -> None:
    data = png_of(10_000, 10_000)
    assert len(data) < 100_000
    assert refused_cheaply(data) == "too_large"


def test_largest_jpeg_header_is_refused() -> None:
    data = bytearray(encode(picture(), "JPEG"))
    where = data.index(b"\xff\xc0") + 5
    data[where : where + 4] = b"\xff\xff\xff\xff"
    assert refused_cheaply(bytes(data)) == "too_large"


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageError, match=r"1,001 bytes; at most 1,000 are read"):
        decode_image(bytes(1_001), ImageLimits(max_bytes=1_000))


@pytest.mark.parametrize("name", [b"iCCP", b"zTXt", b"iTXt"])
def test_text_that_unpacks_to_a_gigabyte_is_never_unpacked(name: bytes) -> None:
    payload = {b"iTXt": b"x\0\1\0\0\0"}.get(name, b"x\0\0") + zeros_compressed(256)
    before = peak_memory_mb()
    pixels = decode_image(png_with(name, payload))
    assert peak_memory_mb() - before < 30
    np.testing.assert_array_equal(pixels, np.asarray(picture()))


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_gif_is_refused_with_the_next_move() -> None:
    with pytest.raises(ImageError, match="GIF is not read; save the image as PNG or JPEG"):
        decode_image(encode(picture(), "GIF"))


def test_constant_and_tiny_images_decode() -> None:
    pixels = decode_image(encode(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"))
    assert pixels.tolist() == [[[9, 8, 7]]]
