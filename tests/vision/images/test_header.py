"""Headers: sizes, modes and ends of files, from the bytes alone."""

from __future__ import annotations

import struct

import pytest

from tests.corpus import (
    HEIGHT,
    WIDTH,
    Case,
    encode,
    good_cases,
    oriented,
    picture,
    png_of,
    png_with,
)
from vision.errors import ImageError
from vision.images import read_header

CASES = good_cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_mode_alpha_and_end_of_every_kind(case: Case) -> None:
    header = read_header(case.data)
    assert (header.mode, header.has_alpha) == (case.mode, case.has_alpha)
    assert header.is_complete


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_format_and_size(kind: str) -> None:
    header = read_header(encode(picture(), kind))
    assert (header.format, header.width, header.height) == (kind.lower(), WIDTH, HEIGHT)
    assert header.n_pixels == WIDTH * HEIGHT


@pytest.mark.parametrize("name", ["apng", "webp_animated", "tiff_pages"])
def test_further_frames_are_told(name: str) -> None:
    (case,) = [case for case in CASES if case.name == name]
    assert read_header(case.data).is_animated


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(kind: str, orientation: int) -> None:
    assert read_header(oriented(kind, orientation)).orientation == orientation


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_out_of_range_means_upright(value: int) -> None:
    assert read_header(oriented("JPEG", value)).orientation == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is text", "unknown_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_format"),
        (b"%PDF-1.7", "unknown_format"),
        (b"BMW is not a bitmap, whatever its first letters say", "unknown_format"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"RIFF\0\0\0\0WEBP", "truncated"),
        (b"II*\0", "truncated"),
        (b"GIF89a", "truncated"),
        (png_of(0, 5), "corrupt"),
    ],
)
def test_what_is_no_image_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_header(data)
    assert caught.value.reason == reason


def test_wrong_checksum_of_pixels_is_corrupt() -> None:
    data = bytearray(encode(picture(), "PNG"))
    data[len(data) // 2] ^= 1
    with pytest.raises(ImageError, match="checksum of the PNG's IDAT chunk is wrong"):
        read_header(bytes(data))


def test_extra_chunks_do_not_hide_the_header() -> None:
    header = read_header(png_with(b"tEXt", b"Comment\0hello"))
    assert (header.width, header.height, header.is_complete) == (WIDTH, HEIGHT, True)


def test_webp_canvas_and_image_must_agree() -> None:
    data = bytearray(oriented("WEBP", 6))
    where = data.index(b"VP8X") + 12
    data[where : where + 3] = struct.pack("<I", 5_000)[:3]
    with pytest.raises(ImageError, match="canvas"):
        read_header(bytes(data))


def test_jpeg_with_thousands_of_scans_is_refused() -> None:
    data = encode(picture(), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    scan = data[start : data.index(b"\xff", start + 2 + 8)]
    with pytest.raises(ImageError, match="more than 100 scans"):
        read_header(data[:start] + scan * 2_000 + b"\xff\xd9")


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\xfe\0\2", b"\xff\xd0"])
def test_headers_made_to_be_slow_are_refused_in_bounded_time(filler: bytes) -> None:
    with pytest.raises(ImageError):
        read_header(b"\xff\xd8\xff\xe0\0\2" + filler * (4_000_000 // len(filler)))
