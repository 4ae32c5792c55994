"""Small datasets made on the spot: each class is a colour with noise over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vision.datasets.table import AnnotationTable

COLOURS = {"blue": (40, 60, 200), "green": (50, 190, 60), "red": (210, 50, 40)}


def write_images(root: Path, n_per_class: int, splits: tuple[str, ...] = (), seed: int = 0) -> Path:
    """Writes PNG files ``[split/]<class>/NNN.png`` of 24 x 20 pixels and returns the folder."""
    rng = np.random.default_rng(seed)
    for split in splits or ("",):
        for label, colour in COLOURS.items():
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(n_per_class):
                noise = rng.normal(0.0, 25.0, (24, 20, 3))
                image = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f"{number:03d}.png"), image[:, :, ::-1])
    return root


def make_table(root: Path, n_per_class: int = 20) -> AnnotationTable:
    """Writes images with splits and returns their annotation table."""
    import hashlib

    write_images(root, n_per_class, ("train", "validation", "test"))
    rows = [
        {
            "path": path.relative_to(root).as_posix(),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "width": 20,
            "height": 24,
            "mode": "RGB",
            "n_bytes": path.stat().st_size,
            "label": path.parent.name,
            "split": path.parent.parent.name,
        }
        for path in root.rglob("*.png")
    ]
    return AnnotationTable.from_rows(root, rows, source={"kind": "folder"})
