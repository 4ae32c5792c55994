"""The reference set: what the model's own held-out images look like to every detector.

Each row is one image of the validation split, with its properties, probabilities and embeddings
from one pass of the serving graph over that very image. Rows are in the table's order.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vision.bundles.load import ServingModel, ServingOutput
from vision.datasets.table import AnnotationTable
from vision.drift.calibration import check_n_rows
from vision.drift.names import VECTORS
from vision.errors import DatasetError
from vision.image_source import batches, open_images
from vision.progress import track

_BATCH_SIZE = 256
_SPLIT = "validation"


def check_reference(table: AnnotationTable, n_rows: int) -> None:
    """Refuses a dataset whose reference set would be too small, before anything is trained.

    Args:
      table: the dataset.
      n_rows: the most rows of the reference set.

    Raises:
      DatasetError: drift detectors cannot be calibrated with so few validation images.
    """
    check_n_rows(min(n_rows, len(table.rows(_SPLIT))))


def reference_rows(table: AnnotationTable, n_rows: int, seed: int) -> pd.DataFrame:
    """Chooses at most ``n_rows`` rows of the validation split, at random but seeded, in order.

    Raises:
      DatasetError: the validation split is empty.
    """
    rows = table.rows(_SPLIT)
    if rows.empty:
        raise DatasetError(
            f"split {_SPLIT} of {table.root} has no image for the reference set; "
            f"add images to it, or hold out more with dataset.split.{_SPLIT}"
        )
    if len(rows) <= n_rows:
        return rows.reset_index(drop=True)
    chosen = np.random.default_rng(seed).choice(len(rows), size=n_rows, replace=False)
    return rows.iloc[np.sort(chosen)].reset_index(drop=True)


def write_reference(
    path: Path,
    serving: ServingModel,
    table: AnnotationTable,
    rows: pd.DataFrame,
    properties: pd.DataFrame,
) -> None:
    """Writes the reference set as parquet.

    Args:
      path: where it is written.
      serving: the graph that the service will run.
      table: gives the folder the paths are relative to.
      rows: the chosen rows, of :func:`reference_rows`.
      properties: the image-property table; it holds a row for each of ``rows``.

    Raises:
      DatasetError: an image has no row among the properties.
    """
    missing = sorted(set(rows["path"]) - set(properties["path"]))
    if missing:
        raise DatasetError(
            f"{len(missing)} reference images have no row in the image-property table, "
            f"{missing[0]} for one: both must come from the same annotation table; run again"
        )
    source = open_images(table.root, list(rows["path"]), serving.manifest.input_size, 0)
    total = -(-len(rows) // _BATCH_SIZE)
    outputs = [
        serving.predict(images)
        for images in track(
            batches(source, _BATCH_SIZE), total, doing="making the reference set", unit="batches"
        )
    ]
    described = rows[["path", "sha256", "label"]].merge(
        properties.drop(columns=["label", "split"]), on="path", how="inner", validate="one_to_one"
    )
    arrow = pa.Table.from_pandas(described, preserve_index=False)
    for name, values in _columns(outputs).items():
        arrow = arrow.append_column(name, _as_vectors(values))
    pq.write_table(arrow, path)


def _columns(outputs: list[ServingOutput]) -> dict[str, npt.NDArray[np.float32]]:
    return {
        name: np.concatenate([getattr(output, name) for output in outputs])
        for name in ("probabilities", *VECTORS.values())
    }


def _as_vectors(values: npt.NDArray[np.float32]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
