"""Puts the drift detectors into a bundle, and what they will see."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from vision.bundles.load import ServingModel
from vision.bundles.power_file import make_power
from vision.config.drift import DriftConfig
from vision.datasets.table import AnnotationTable
from vision.drift.detectors import REFERENCE_FILE, DriftDetectors, calibrate, write_detectors
from vision.drift.views import read_reference


def write_drift(
    folder: Path,
    serving: ServingModel,
    table: AnnotationTable,
    rows: pd.DataFrame,
    drift: DriftConfig,
) -> None:
    """Writes ``drift/detectors.json`` and, where the configuration asks for it, the power table.

    Args:
      folder: the bundle's; it has its reference set.
      serving: its graph.
      table: the dataset.
      rows: the rows of the table that the reference set was made from.
      drift: detectors, rate of false alarms, seeds.

    Raises:
      DatasetError: the reference set has too few rows, or an image changed or vanished.
      ModelError: the package of ``drift.backend`` is not installed.
    """
    # Read back, so that the thresholds are those of the numbers that the service will read.
    reference = read_reference(folder / REFERENCE_FILE)
    write_detectors(folder, calibrate(reference, len(table.classes), drift))
    if drift.n_power_images:
        make_power(folder, serving, table, rows, DriftDetectors.load(folder), drift)
