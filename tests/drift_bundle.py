"""A fake bundle that has drift detectors: noisy images of the three colours are its reference.

Everything is real but the network: the reference rows come from one pass of the graph over images
that :func:`make_images` draws, and the thresholds from the real calibration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fake_bundle import CLASSES, COLOURS, INPUT_SIZE, NAME, VERSION, seal, write_fake_bundle
from vision.bundles.load import ServingModel
from vision.bundles.manifest import Manifest
from vision.config.drift import DriftConfig
from vision.drift.detectors import calibrate, write_detectors
from vision.drift.names import PROPERTIES, VECTORS
from vision.drift.views import DriftRows, read_reference
from vision.images.measure import measure_image

# Quick to calibrate: one false alarm in 20 checks.
DRIFT = DriftConfig(
    backend="scipy",
    windows=(20, 50, 100),
    every_n=10,
    false_alarms="1 per 1 days at 200 images per day",
    n_draws=400,
    n_power_images=0,
)


def write_drift_bundle(
    folder: Path,
    *,
    name: str = NAME,
    version: str = VERSION,
    n_reference: int = 300,
    colours: tuple[str, ...] = CLASSES,
    drift: DriftConfig = DRIFT,
    seed: int = 9,
) -> Manifest:
    """Writes a complete bundle with a reference set and drift detectors into a new ``folder``."""
    write_fake_bundle(folder, name=name, version=version)
    serving = ServingModel.load(folder)
    write_drift_files(
        folder, make_rows(serving, make_images(n_reference, seed, colours=colours)), drift
    )
    return seal(folder, name=name, version=version)


def write_drift_files(folder: Path, rows: DriftRows, drift: DriftConfig = DRIFT) -> None:
    """Writes a reference set and calibrated detectors, and no manifest."""
    write_rows(folder / "reference.parquet", rows)
    # What is read back is float32, as it will be when the detectors are loaded.
    reference = read_reference(folder / "reference.parquet")
    write_detectors(folder, calibrate(reference, len(CLASSES), drift))


def make_images(
    n: int, seed: int = 0, *, shift: float = 0.0, colours: tuple[str, ...] = CLASSES
) -> npt.NDArray[np.uint8]:
    """Draws ``(n, 8, 8, 3)`` images of random colours, each with its own tint and with noise.

    Args:
      n: how many.
      seed: of the colours and of the noise.
      shift: added to every value, of 255; 10 is drift that is easily found.
      colours: which colours occur.
    """
    rng = np.random.default_rng(seed)
    chosen = np.array([COLOURS[colour] for colour in colours])[rng.integers(len(colours), size=n)]
    tint = rng.normal(0.0, 12.0, (n, 1, 1, 3))
    noise = rng.normal(0.0, 15.0, (n, *INPUT_SIZE, 3))
    images = 0.6 * chosen[:, None, None, :] + 50.0 + tint + noise + shift
    return np.clip(images, 0, 255).astype(np.uint8)


def make_rows(serving: ServingModel, images: npt.NDArray[np.uint8]) -> DriftRows:
    """Returns images as the detectors see them, oldest first."""
    output = serving.predict(images)
    measured = [measure_image(image, 0) for image in images]
    return DriftRows(
        uae=output.embedding_uae,
        bbsd=output.embedding_bbsd,
        penultimate=output.embedding_penultimate,
        properties=np.array([[row[name] for name in PROPERTIES] for row in measured]),
        classes=output.probabilities.argmax(axis=1),
    )


def write_rows(path: Path, rows: DriftRows, n_classes: int = len(CLASSES)) -> None:
    """Writes rows as a reference set; the probabilities are certain of the predicted class."""
    columns: dict[str, Any] = {
        name: rows.properties[:, index] for index, name in enumerate(PROPERTIES)
    }
    vectors = {name: rows.view(view) for view, name in VECTORS.items()}
    vectors["probabilities"] = np.eye(n_classes)[rows.classes]
    for name, values in vectors.items():
        flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    pq.write_table(pa.table(columns), path)
