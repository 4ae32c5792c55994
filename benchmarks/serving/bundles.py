"""Makes bundles with random weights, by the project's code; speed does not depend on weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from vision.bundles.build import BundleSource, build_bundle
from vision.bundles.manifest import Lineage
from vision.config import BundleConfig, DriftConfig, ModelConfig, TrainingConfig
from vision.datasets.table import AnnotationTable
from vision.models.build import build_model
from vision.properties import compute_properties
from vision.quiet import import_tensorflow

_N_CLASSES = 10
_N_IMAGES = 60


def make_bundle(root: Path, architecture: str, side_px: int) -> Path:
    """Writes a bundle below the project's home and returns its folder.

    Args:
      root: where the images of its reference set are written.
      architecture: as in ``model.architecture``.
      side_px: height and width of the model's input.
    """
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(0)
    model = ModelConfig(name="benchmark", architecture=architecture, input_size=(side_px, side_px))
    table = _write_images(root, side_px)
    network = build_model(model, TrainingConfig(), _N_CLASSES)
    source = BundleSource(network, table, compute_properties(table), {"accuracy": 0.1}, Lineage())
    return build_bundle(source, model, BundleConfig(), DriftConfig()).folder


def photographs(n_images: int, side_px: int, seed: int = 0) -> list[bytes]:
    """Returns JPEG files: pieces of the two photographs that come with scikit-learn."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    found = []
    for number in range(n_images):
        photo = load_sample_images().images[number % 2]
        span = int(rng.integers(side_px, 420))
        top = int(rng.integers(0, photo.shape[0] - span + 1))
        left = int(rng.integers(0, photo.shape[1] - span + 1))
        piece = photo[top : top + span, left : left + span, ::-1]
        shown = cv2.resize(piece, (side_px, side_px), interpolation=cv2.INTER_AREA)
        found.append(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return found


def _write_images(root: Path, side_px: int) -> AnnotationTable:
    root.mkdir(parents=True)
    rows = []
    for number, data in enumerate(photographs(_N_IMAGES, side_px)):
        path = root / f"{number:03d}.jpg"
        path.write_bytes(data)
        rows.append(
            {
                "path": path.name,
                "sha256": hashlib.sha256(data).hexdigest(),
                "width": side_px,
                "height": side_px,
                "mode": "RGB",
                "n_bytes": len(data),
                "label": f"class-{number % _N_CLASSES}",
                "split": ("train", "validation", "test")[number % 3],
            }
        )
    return AnnotationTable.from_rows(root, rows, source={"kind": "folder"})
