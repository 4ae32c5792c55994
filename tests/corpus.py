"""Image files made on the spot: every kind the decoder knows, and folders with planted faults.

Nothing here reads a file of the repository; a seed gives the same bytes each time.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 61, 43
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Case:
    """One file for the decoder.

    Attributes:
      name: what is special about it.
      data: the file.
      mode: the mode that its header must give.
      has_alpha: whether its header must tell of transparency.
    """

    name: str
    data: bytes
    mode: str
    has_alpha: bool = False


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Returns ``image`` as a file of Pillow's format ``kind``."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """Returns a smooth RGB picture with no symmetry, ``size`` = (width, height)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def oriented(kind: str, orientation: int, image: Image.Image | None = None) -> bytes:
    """Returns a file whose stored pixels are upright and whose tag says ``orientation``."""
    image = image or picture()
    if kind == "TIFF":
        return encode(image, kind, tiffinfo={_ORIENTATION: orientation})
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    options = {"PNG": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 95}}[kind]
    return encode(image, kind, exif=exif.tobytes(), **options)


def with_thumbnail() -> bytes:
    """Returns a JPEG whose EXIF block holds a whole JPEG, with its own end-of-image marker."""
    thumbnail = encode(picture(1, (16, 12)), "JPEG")
    payload = b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    data = encode(picture(), "JPEG", quality=95)
    return data[:2] + segment + data[2:]


def png_chunk(name: bytes, payload: bytes) -> bytes:
    """Returns a PNG chunk with its length and checksum."""
    return struct.pack(">I", len(payload)) + name + payload + crc(name + payload)


def crc(data: bytes) -> bytes:
    """Returns the checksum that ends a PNG chunk."""
    return struct.pack(">I", zlib.crc32(data))


def png_with(name: bytes, payload: bytes) -> bytes:
    """Returns a good PNG with one more chunk after its header."""
    data = encode(picture(), "PNG")
    return data[:33] + png_chunk(name, payload) + data[33:]


def png_of(width: int, height: int) -> bytes:
    """Returns a black one-bit PNG of any size, compressed to about a thousandth of its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = bytes(1 + (width + 7) // 8)
    squeeze = zlib.compressobj(9)
    body = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", body), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zeros_compressed(n_megabytes: int) -> bytes:
    """Returns a zlib stream that unpacks to ``n_megabytes`` of zeros."""
    squeeze = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(squeeze.compress(block) for _ in range(n_megabytes)) + squeeze.flush()


def good_cases() -> list[Case]:
    """Returns files that decode, one per kind of samples and container."""
    return [*_jpeg_cases(), *_png_cases(), *_other_cases()]


def _jpeg_cases() -> list[Case]:
    image = picture()
    return [
        Case("jpeg", encode(image, "JPEG", quality=95), "RGB"),
        Case("jpeg_444", encode(image, "JPEG", quality=95, subsampling=0), "RGB"),
        Case("jpeg_gray", encode(image.convert("L"), "JPEG", quality=95), "L"),
        Case("jpeg_cmyk", encode(image.convert("CMYK"), "JPEG", quality=95), "CMYK"),
        Case("jpeg_progressive", encode(image, "JPEG", quality=95, progressive=True), "RGB"),
        Case("jpeg_restarts", encode(image, "JPEG", restart_marker_blocks=2), "RGB"),
        Case("jpeg_thumbnail", with_thumbnail(), "RGB"),
        Case("jpeg_trailing_bytes", encode(image, "JPEG") + b"appended", "RGB"),
        Case("jpeg_one_pixel", encode(picture(0, (1, 1)), "JPEG"), "RGB"),
    ]


def _png_cases() -> list[Case]:
    image, gray = picture(), picture().convert("L")
    alpha = Image.linear_gradient("L").resize(image.size)
    rgba, la = image.copy(), gray.copy()
    rgba.putalpha(alpha)
    la.putalpha(alpha)
    few = image.quantize(16)
    key = gray.getpixel((5, 5))
    return [
        Case("png", encode(image, "PNG"), "RGB"),
        Case("png_gray", encode(gray, "PNG"), "L"),
        Case("png_1bit", encode(gray.convert("1"), "PNG"), "L"),
        Case("png_rgba", encode(rgba, "PNG"), "RGBA", True),
        Case("png_la", encode(la, "PNG"), "LA", True),
        Case("png_palette", encode(few, "PNG"), "P"),
        Case("png_palette_alpha", encode(few, "PNG", transparency=bytes([0, 90])), "P", True),
        Case("png_gray_key", encode(gray, "PNG", transparency=key), "L", True),
        Case("png_interlaced", _interlaced(), "L"),
        Case("apng", encode(image, "PNG", save_all=True, append_images=[picture(3)]), "RGB"),
        Case("png_1x10000", encode(picture(0, (1, 10_000)), "PNG"), "RGB"),
    ]


def _interlaced() -> bytes:
    """Returns a 1x1 Adam7 image of value 200: one pass of one pixel."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    body = zlib.compress(bytes((0, 200)))
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", body), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _other_cases() -> list[Case]:
    image, second = picture(), picture(3)
    rgba = image.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(image.size))
    return [
        Case("webp_lossless", encode(image, "WEBP", lossless=True), "RGB"),
        Case("webp_lossy", encode(image, "WEBP", quality=95), "RGB"),
        Case("webp_alpha", encode(rgba, "WEBP", lossless=True, exact=True), "RGBA", True),
        Case(
            "webp_animated",
            encode(image, "WEBP", save_all=True, append_images=[second], lossless=True),
            "RGB",
        ),
        Case("bmp", encode(image, "BMP"), "RGB"),
        Case("bmp_palette", encode(image.quantize(16), "BMP"), "P"),
        Case("tiff", encode(image, "TIFF"), "RGB"),
        Case("tiff_lzw", encode(image, "TIFF", compression="tiff_lzw"), "RGB"),
        Case("tiff_1bit", encode(image.convert("1"), "TIFF"), "L"),
        Case("tiff_palette", encode(image.quantize(16), "TIFF"), "P"),
        Case("tiff_cmyk", encode(image.convert("CMYK"), "TIFF"), "CMYK"),
        Case("tiff_rgba", encode(rgba, "TIFF"), "RGBA", True),
        Case("tiff_pages", encode(image, "TIFF", save_all=True, append_images=[second]), "RGB"),
    ]


def class_folders(
    root: Path,
    n_per_class: int = 12,
    classes: tuple[str, ...] = ("cat", "dog"),
    seed: int = 0,
    size: tuple[int, int] = (24, 20),
) -> Path:
    """Writes ``root/<class>/NN.png``, every picture different, and returns ``root``."""
    for index, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(n_per_class):
            image = picture(seed + 1000 * index + number, size)
            image.save(root / name / f"{number:02d}.png")
    return root


@dataclass(frozen=True)
class Planted:
    """A folder with faults and where each one is, by relative path."""

    root: Path
    truncated: str
    text: str
    empty_file: str
    hidden: str
    thumbs: str
    empty_class: str
    duplicate_across: tuple[str, str]
    duplicate_within: tuple[str, str]
    conflicting: tuple[str, str]


def planted_faults(root: Path) -> Planted:
    """Writes train and test folders of two good classes with one fault of each kind."""
    class_folders(root / "train")
    class_folders(root / "test", n_per_class=6, seed=500)
    planted = Planted(
        root=root,
        truncated="train/cat/truncated.jpg",
        text="train/cat/notes.jpg",
        empty_file="train/dog/nothing.png",
        hidden="train/dog/.hidden.png",
        thumbs="test/dog/Thumbs.db",
        empty_class="train/fox",
        duplicate_across=("test/cat/00.png", "train/cat/leaked.png"),
        duplicate_within=("train/dog/01.png", "train/dog/01 copy.png"),
        conflicting=("train/cat/02.png", "train/dog/not a cat.png"),
    )
    whole = encode(picture(), "JPEG")
    (root / planted.truncated).write_bytes(whole[: len(whole) // 2])
    (root / planted.text).write_text("These are notes, not pixels.\n")
    (root / planted.empty_file).write_bytes(b"")
    (root / planted.hidden).write_bytes(encode(picture(77), "PNG"))
    (root / planted.thumbs).write_bytes(b"\xd0\xcf\x11\xe0")
    (root / planted.empty_class).mkdir()
    pairs = (planted.duplicate_across, planted.duplicate_within, planted.conflicting)
    for original, copy in pairs:
        (root / copy).write_bytes((root / original).read_bytes())
    return planted


def write_images(root: Path, paths: Iterable[str], seed: int = 0) -> Path:
    """Writes a picture of its own for each relative path, and returns ``root``."""
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(encode(picture(seed + number, (8, 6)), "PNG"))
    return root


def coco(labels: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Returns a COCO file's content: file name to the categories of its annotations."""
    names = sorted({name for found in labels.values() for name in found})
    numbers = {name: 10 + place for place, name in enumerate(names)}
    pairs = [(image, name) for image, found in enumerate(labels.values()) for name in found]
    return {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(labels)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": numbers[name], "bbox": [0, 0, 4, 4]}
            for number, (image, name) in enumerate(pairs)
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
    }
