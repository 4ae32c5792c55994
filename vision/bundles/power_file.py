"""Puts into a bundle what its drift check will see, and shows it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vision.bundles.load import ServingModel
from vision.bundles.manifest import Manifest
from vision.config.drift import DriftConfig
from vision.datasets.table import AnnotationTable
from vision.drift.detectors import DriftDetectors, read_detectors
from vision.drift.held_out import read_held_out
from vision.drift.power import measure_power, sizes_to_try
from vision.drift.power_table import POWER_FILE, PowerTable, read_power, write_power
from vision.images import decode_image


def make_power(
    folder: Path,
    serving: ServingModel,
    table: AnnotationTable,
    reference: pd.DataFrame,
    detectors: DriftDetectors,
    drift: DriftConfig,
) -> PowerTable | None:
    """Measures what the detectors will see and writes ``drift/power.json``.

    Args:
      folder: the bundle's.
      serving: its graph.
      table: the dataset; the images are those of its test split.
      reference: the rows of the reference set.
      detectors: as they were just calibrated.
      drift: gives number of images and seed.

    Returns:
      the table; None, and no file, where the configuration asks for none or there are fewer than
      twice as many held-out images as the smallest window has.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    if not drift.n_power_images:
        return None
    held_out = read_held_out(table, reference, drift.n_power_images, drift.seed)
    if not sizes_to_try(len(held_out.images), detectors.sizes):
        return None
    power = measure_power(serving, held_out, detectors, drift)
    write_power(folder, power)
    return power


def show_power(folder: Path, manifest: Manifest) -> str | None:
    """Returns the HTML page of a bundle's power table, with its golden images as examples.

    None where the bundle has no power table.

    Raises:
      BundleError: the table or the detectors are damaged.
      ImageError: a golden image is.
    """
    # Draws with matplotlib, which nothing else here needs.
    from vision.drift.power_page import render_power_page

    if POWER_FILE not in manifest.files:
        return None
    names = [name for name in manifest.files if name.startswith("golden/")]
    images = [name for name in names if not name.endswith(".json")]
    examples = [decode_image((folder / name).read_bytes()) for name in images]
    return render_power_page(read_power(folder), examples, read_detectors(folder))
