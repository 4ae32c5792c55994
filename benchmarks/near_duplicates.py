"""How many planted near-duplicates are found, how many false ones, how fast and in what memory.

    python benchmarks/near_duplicates.py [FOLDER] [--each 60]
    python benchmarks/near_duplicates.py --n 60000 [--crowd 2000]

The first reads a folder of ``<split>/<class>/<image>`` (without one, 2,000 synthetic pictures),
writes copies of ``--each`` images per kind of change into the other split of a copy of it, and
prints as JSON: the recall of each kind, the pairs that were found in the folder before anything
was planted (look at them: real photographs hold real near-duplicates), the pairs that were found
beyond both, and seconds and growth of memory of the search (CPU seconds count all cores). The
second searches through random hashes, ``--crowd`` of which differ in a few bits only, without
pixels.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vision.config import DatasetConfig
from vision.datasets import load_annotations
from vision.datasets.passes import n_cores
from vision.properties import compute_properties
from vision.validation.near_duplicates import find_near_duplicates
from vision.validation.near_duplicates.hashes import as_signs, close_pairs

Change = Callable[[Image.Image, np.random.Generator], tuple[Image.Image, str, int]]
Pair = tuple[str, str]

_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


def _recompressed(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str, int]:
    return image, str(rng.choice(["jpg", "webp"])), int(rng.integers(30, 96))


def _resized(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str, int]:
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(3.0))))
    width, height = (max(1, round(scale * side)) for side in image.size)
    return image.resize((width, height), _FILTERS[rng.integers(len(_FILTERS))]), "png", 0


def _mirrored(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str, int]:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "png", 0


def _converted(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str, int]:
    return image, str(rng.choice(["png", "bmp", "tiff"])), 0


def _combined(image: Image.Image, rng: np.random.Generator) -> tuple[Image.Image, str, int]:
    mirrored, *_ = _mirrored(image, rng)
    resized, *_ = _resized(mirrored, rng)
    return _recompressed(resized, rng)


CHANGES: dict[str, Change] = {
    "recompressed": _recompressed,
    "resized": _resized,
    "mirrored": _mirrored,
    "converted": _converted,
    "combined": _combined,
}


def write_pictures(root: Path, n_images: int = 2_000, seed: int = 0) -> None:
    """Writes smooth pictures of 48x40 pixels in two splits and two classes, as JPEG."""
    rng = np.random.default_rng(seed)
    for number in range(n_images):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
        split, label = "test" if number % 5 == 0 else "train", "cat" if number % 2 else "dog"
        path = root / split / label / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((48, 40), Image.Resampling.BICUBIC).save(path, quality=92)


def plant(root: Path, n_each: int, seed: int = 0) -> dict[str, list[Pair]]:
    """Writes changed copies into the other split; returns (original, copy) by kind of change."""
    rng = np.random.default_rng(seed)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    chosen = rng.choice(len(paths), n_each * len(CHANGES), replace=False)
    planted: dict[str, list[Pair]] = {kind: [] for kind in CHANGES}
    for place, number in enumerate(chosen):
        kind = list(CHANGES)[place % len(CHANGES)]
        original = paths[number].relative_to(root)
        with Image.open(paths[number]) as image:
            changed, suffix, quality = CHANGES[kind](image.convert("RGB"), rng)
        split = "train" if original.parts[0] == "test" else "test"
        copy = Path(split, *original.parts[1:-1], f"{kind}_{place:04d}.{suffix}")
        stream = io.BytesIO()
        options = {"quality": quality} if quality else {}
        changed.save(stream, {"jpg": "JPEG"}.get(suffix, suffix.upper()), **options)
        (root / copy).write_bytes(stream.getvalue())
        planted[kind].append((original.as_posix(), copy.as_posix()))
    return planted


def search(root: Path) -> tuple[set[Pair], dict[str, Any]]:
    """Returns the pairs that the notes of all findings name, in order, and what it cost."""
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    properties = compute_properties(table)
    before_mb = _peak_memory_mb()
    started, worked = time.perf_counter(), time.process_time()
    findings = find_near_duplicates(table, properties)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - worked
    pairs = set()
    for finding in findings:
        for path, note in zip(finding.images, finding.notes, strict=True):
            other = note.split(" copy of ")[1].rsplit(", pixels", 1)[0]
            pairs.add((min(path, other), max(path, other)))
    cost = {
        "n_images": len(table),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "memory_growth_mb": round(_peak_memory_mb() - before_mb, 1),
    }
    return pairs, cost


def measure_folder(folder: Path | None, n_each: int) -> dict[str, Any]:
    """Plants copies in a copy of a folder and returns the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "images"
        if folder is None:
            write_pictures(root)
        else:
            shutil.copytree(folder, root)
        clean, _ = search(root)
        planted = plant(root, n_each)
        found, cost = search(root)
    known = {pair for pairs in planted.values() for pair in pairs}
    touched = {path for pair in known for path in pair}
    return {
        **cost,
        "recall": {
            kind: sum((min(pair), max(pair)) in found for pair in pairs) / len(pairs)
            for kind, pairs in planted.items()
        },
        "pairs_in_clean_folder": sorted(clean),
        "pairs_beyond_planted": sorted(
            pair for pair in found - clean if not touched.intersection(pair)
        ),
    }


def measure_hashes(n_images: int, n_crowd: int) -> dict[str, Any]:
    """Searches through random hashes and returns the figures."""
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (n_images, 8), dtype=np.uint8)
    raw[:n_crowd] = raw[0]
    raw[:n_crowd, 0] ^= rng.integers(0, 4, n_crowd, dtype=np.uint8)
    signs = as_signs(row.tobytes().hex() for row in raw)
    before_mb = _peak_memory_mb()
    started, worked = time.perf_counter(), time.process_time()
    n_pairs = sum(
        len(close_pairs(signs, signs, 12, 32, earlier_only=True)[0]) for _ in ("upright", "mirror")
    )
    return {
        "n_images": n_images,
        "n_crowd": n_crowd,
        "n_pairs": n_pairs,
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "memory_growth_mb": round(_peak_memory_mb() - before_mb, 1),
    }


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Reads the command line, runs a measurement and prints its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--each", type=int, default=60, help="planted copies per kind of change")
    parser.add_argument("--n", type=int, help="search through this many random hashes instead")
    parser.add_argument("--crowd", type=int, default=0, help="nearly equal ones among them")
    chosen = parser.parse_args()
    if chosen.n is not None:
        figures = measure_hashes(chosen.n, chosen.crowd)
    else:
        figures = measure_folder(chosen.folder, chosen.each)
    print(json.dumps({"cores": n_cores(), **figures}, indent=2))


if __name__ == "__main__":
    main()
