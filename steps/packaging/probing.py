"""Questions to a service that runs: is it ready, does it know its golden images, is it robust."""

from __future__ import annotations

import json
import struct
import time
import zlib
from pathlib import Path
from typing import Protocol

import httpx

from steps.packaging.containers import PackagingError
from steps.packaging.running import RunningImage
from vision.bundles.manifest import GOLDEN_FILE, read_manifest

_TIMEOUT_S = 30.0
_LOOKS_EVERY_S = 0.05


class Asked(Protocol):
    """A service that can be asked."""

    @property
    def address(self) -> str:
        """``http://127.0.0.1:PORT``."""

    @property
    def key(self) -> str:
        """What its routes ask for."""


def wait_until_ready(image: RunningImage, within_s: float) -> float:
    """Waits for ``/readyz``, and returns the seconds since the container was asked to start.

    Raises:
      PackagingError: it took too long, or the container ended; the message ends with its log.
    """
    started, last = time.monotonic(), "no answer"
    with httpx.Client(timeout=5, trust_env=False) as client:
        while (passed := time.monotonic() - started) < within_s:
            try:
                response = client.get(f"{image.address}/readyz")
                if response.status_code == 200:
                    return time.monotonic() - image.started
                last = response.text
            except httpx.TransportError as error:
                last = str(error)
                # The tool is slow to ask, so only where nothing listens.
                if passed > 1 and not image.is_running():
                    raise PackagingError(f"the container ended:\n{image.log()}") from error
            time.sleep(_LOOKS_EVERY_S)
    raise PackagingError(
        f"the container is not ready after {within_s:.0f} s ({last}):\n{image.log()}"
    )


def ask_golden_images(service: Asked, bundle: Path) -> tuple[int, float, float]:
    """Asks every golden image; returns their number, the largest difference, and the tolerance.

    An answer that is none counts as an endless difference.
    """
    manifest = read_manifest(bundle)
    golden = json.loads((bundle / GOLDEN_FILE).read_bytes())["images"]
    differences = []
    for one in golden:
        expected = dict(zip(manifest.classes, one["probabilities"], strict=True))
        contents = (bundle / one["file"]).read_bytes()
        response = _predict(service, contents, top_k=len(manifest.classes))
        found = (
            {each["label"]: each["probability"] for each in response.json()["top"]}
            if response.status_code == 200
            else {}
        )
        differences.append(
            max(abs(found[label] - value) for label, value in expected.items())
            if found.keys() == expected.keys()
            else float("inf")
        )
    return len(golden), max(differences), manifest.parity.tolerance


def ask_bad_images(service: Asked) -> dict[str, int]:
    """Asks bytes that are no usable image; returns the status of each answer."""
    return {name: _predict(service, each).status_code for name, each in bad_images().items()}


def answer_problems(difference: float, tolerance: float, bad_images: dict[str, int]) -> list[str]:
    """Returns what is wrong with the answers to golden and bad images."""
    problems = []
    if not difference <= tolerance:
        problems.append(
            f"golden images: a probability differs by {difference:.2g} from the stored one; the "
            f"bundle allows {tolerance:.2g}"
        )
    for name, status in bad_images.items():
        if not 400 <= status < 500:
            problems.append(f"the bad image {name!r} was answered with {status}, not 4xx")
    return problems


def bad_images() -> dict[str, bytes]:
    """Returns an empty file, a text, a PNG that was cut off, and one that claims a gigapixel."""
    header = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", 32_000, 32_000, 8, 2, 0, 0, 0))
    small = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    pixels = _png_chunk(b"IDAT", zlib.compress(bytes(64 * (64 * 3 + 1)), 0))
    end = _png_chunk(b"IEND", b"")
    signature = b"\x89PNG\r\n\x1a\n"
    return {
        "empty": b"",
        "text": b"no image at all",
        "cut off": signature + small + pixels[: len(pixels) // 2],
        "a gigapixel": signature + header + pixels + end,
    }


def _png_chunk(kind: bytes, contents: bytes) -> bytes:
    checksum = zlib.crc32(kind + contents)
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", checksum)


def _predict(service: Asked, contents: bytes, **options: int) -> httpx.Response:
    return httpx.post(
        f"{service.address}/predict",
        files={"image": ("image", contents)},
        data={name: str(value) for name, value in options.items()},
        headers={"Authorization": f"Bearer {service.key}"},
        timeout=_TIMEOUT_S,
        trust_env=False,
    )
