"""The reference set of a bundle as monitoring needs it: with labels and every property."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError
from vision.images.measure import NUMERIC


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """``n`` held-out images; row ``i`` of everything is the same image.

    Attributes:
      rows: as the detectors see them.
      properties: ``n`` rows of :data:`vision.images.measure.NUMERIC`.
      probabilities: ``(n, k)``, in class order.
      labels: ``(n,)`` true class indices.
    """

    rows: DriftRows
    properties: pd.DataFrame
    probabilities: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]


def read_reference_set(path: Path, classes: tuple[str, ...]) -> ReferenceSet:
    """Reads the reference set of a bundle.

    Raises:
      BundleError: the file is missing or damaged, lacks a column, or has a label that is no class.
    """
    import pyarrow
    import pyarrow.parquet

    rows = read_reference(path)
    try:
        # An opened file, so that no folder above it is taken for a partition.
        file = pyarrow.parquet.ParquetFile(path)
        table = file.read(columns=["label", "probabilities", *NUMERIC]).to_pandas()
        labels = pd.Index(classes).get_indexer(pd.Index(table["label"]))
        probabilities = np.stack(table["probabilities"].to_list()).astype(np.float32)
        properties = table[list(NUMERIC)].astype(np.float64)
    except (OSError, pyarrow.ArrowException, KeyError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be used as a reference set: {error}; make a new bundle"
        ) from error
    if (labels < 0).any():
        unknown: Any = table["label"].iloc[int(np.argmax(labels < 0))]
        raise BundleError(
            f"{path} has images of {unknown!r}, which is no class of its model; make a new bundle"
        )
    return ReferenceSet(rows, properties, probabilities, np.asarray(labels, np.int64))
