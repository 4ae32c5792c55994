"""Kept images say nothing about people, and their pixels are the same."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from serving.log.strip import strip_jpeg, strip_metadata
from tests.fake_bundle import encode_image
from vision.images.decode import decode_image
from vision.images.types import Pixels

pytestmark = pytest.mark.unit

SECRET = b"52.5200 N, 13.4050 E, Jane Doe"


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 255, (24, 40, 3)).astype(np.uint8)


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def exif(orientation: int) -> bytes:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    ifd = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    return b"Exif\0\0" + ifd + SECRET


def chunk(name: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(name + payload)
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", checksum)


METADATA = {
    "exif": segment(0xE1, exif(1)),
    "xmp": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
    "icc": segment(0xE2, b"ICC_PROFILE\0\1\1" + SECRET),
    "iptc": segment(0xED, b"Photoshop 3.0\0" + SECRET),
    "comment": segment(0xFE, SECRET),
    "thumbnail": segment(0xE0, b"JFXX\0\x10" + SECRET),
}


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("kind", METADATA)
def test_a_jpeg_loses_its_metadata_and_no_pixel(
    kind: str, progressive: int, pixels: Pixels
) -> None:
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    plain = cv2.imencode(".jpg", pixels, options)[1].tobytes()
    data = plain[:20] + METADATA[kind] + plain[20:] + b"after the end" + SECRET
    decoded = decode_image(data)
    stripped, extension = strip_metadata(data, decoded)
    assert extension == "jpg"
    assert SECRET not in stripped
    assert stripped == plain
    assert np.array_equal(decode_image(stripped), decoded)


def test_metadata_between_scans_goes_too(pixels: Pixels) -> None:
    plain = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    position = plain.index(b"\xff\xc4", plain.index(b"\xff\xda"))
    assert strip_jpeg(plain[:position] + METADATA["comment"] + plain[position:]) == plain


def test_what_the_colours_depend_on_is_kept(pixels: Pixels) -> None:
    plain = encode_image(pixels, ".jpg")
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0" + SECRET)  # says that the channels are RGB
    without_jfif = plain[:2] + adobe + plain[20:]
    stripped, _ = strip_metadata(without_jfif, decode_image(without_jfif))
    assert SECRET not in stripped
    assert np.array_equal(decode_image(stripped), decode_image(without_jfif))
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\1\1" + SECRET
    assert strip_jpeg(plain[:2] + segment(0xE0, thumbnail) + plain[20:]) == plain


@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_image_that_exif_turns_is_kept_upright(orientation: int, pixels: Pixels) -> None:
    plain = encode_image(pixels, ".jpg")
    data = plain[:20] + segment(0xE1, exif(orientation)) + plain[20:]
    upright = decode_image(data)
    stripped, extension = strip_metadata(data, upright)
    assert extension == "png"
    assert SECRET not in stripped
    assert np.array_equal(decode_image(stripped), upright)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (b"tEXt", b"Author\0" + SECRET),
        (b"zTXt", b"Author\0\0" + zlib.compress(SECRET)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET),
        (b"eXIf", exif(1)[6:]),
        (b"iCCP", b"profile\0\0" + zlib.compress(SECRET)),
        (b"tIME", struct.pack(">HBBBBB", 2026, 1, 31, 12, 0, 0)),
    ],
)
def test_a_png_loses_its_metadata_and_no_pixel(name: bytes, payload: bytes, pixels: Pixels) -> None:
    plain = encode_image(pixels)
    data = plain[:33] + chunk(name, payload) + plain[33:] + SECRET
    stripped, extension = strip_metadata(data, pixels)
    assert extension == "png"
    assert stripped == plain


@pytest.mark.parametrize("extension", [".webp", ".bmp", ".tiff"])
def test_other_formats_are_written_anew(extension: str, pixels: Pixels) -> None:
    data = encode_image(pixels, extension) + SECRET
    decoded = decode_image(data)
    stripped, kind = strip_metadata(data, decoded)
    assert kind == "png"
    assert np.array_equal(decode_image(stripped), decoded)
    assert SECRET not in stripped


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"no image at all"])
def test_what_cannot_be_walked_through_is_written_anew(data: bytes, pixels: Pixels) -> None:
    stripped, extension = strip_metadata(data, pixels)
    assert extension == "png"
    assert np.array_equal(decode_image(stripped), pixels)


def test_a_jpeg_cut_anywhere_is_refused_or_whole(pixels: Pixels) -> None:
    plain = encode_image(pixels, ".jpg")
    for length in range(2, len(plain) - 1):
        with pytest.raises(ValueError, match="a JPEG's"):
            strip_jpeg(plain[:length])
