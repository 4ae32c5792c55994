"""How many images per second the property pass measures, and whether its memory stays flat.

    python benchmarks/properties.py [n_images] [size_px]

Writes JPEGs of ``size_px`` (default 6,000 of 100 px) to a temporary folder, reads them once so
that they are in the page cache, and prints the rate, the cores and the growth of memory as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from vision.datasets.passes import n_cores
from vision.datasets.table import AnnotationTable
from vision.properties import compute_properties


def write_images(root: Path, n_images: int, size_px: int) -> AnnotationTable:
    """Writes photo-like JPEGs: smooth shapes with some noise, about 4 KB at 100 px."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(n_images):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
        image = cv2.add(image, rng.integers(0, 12, image.shape, dtype=np.uint8))
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])
        path = root / f"{number:06d}.jpg"
        path.write_bytes(encoded.tobytes())
        rows.append(
            {
                "path": path.name,
                "sha256": f"{number:064d}",
                "width": size_px,
                "height": size_px,
                "mode": "RGB",
                "n_bytes": len(encoded),
                "label": str(number % 2),
                "split": "train",
            }
        )
    return AnnotationTable.from_rows(root, rows)


def peak_memory_mb() -> float:
    """Returns the most memory this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(n_images: int = 6_000, size_px: int = 100) -> None:
    """Runs the benchmark and prints its figures."""
    with tempfile.TemporaryDirectory() as folder:
        table = write_images(Path(folder), n_images, size_px)
        before_mb = peak_memory_mb()
        started = time.perf_counter()
        properties = compute_properties(table)
        seconds = time.perf_counter() - started
    figures = {
        "n_images": len(properties),
        "size_px": size_px,
        "bytes_per_image": round(properties["n_bytes"].mean()),
        "cores": n_cores(),
        "images_per_s": round(n_images / seconds),
        "memory_growth_mb": round(peak_memory_mb() - before_mb, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
