"""Image properties: a few numbers per image that say how it looks.

Computed once per dataset and used three times: validated, stored with the model as reference, and
compared with what the service sees; :mod:`vision.images.measure` tells what each of them is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from vision.datasets.passes import map_images
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ImageError
from vision.images import decode_image
from vision.images.measure import NUMERIC, measure_image

__all__ = ["COLUMNS", "NUMERIC", "compute_properties", "measure_image"]

COLUMNS = (
    "path",
    "label",
    "split",
    *NUMERIC,
    "is_near_constant",
    "perceptual_hash",
    "mirrored_hash",
)


def compute_properties(table: AnnotationTable) -> pd.DataFrame:
    """Computes the properties of every image of a table, on every core.

    Returns:
      one row per row of the table, in its order, with the columns ``COLUMNS``.

    Raises:
      DatasetError: an image changed or went missing since the table was made.
    """
    root = table.root
    paths = table.frame["path"].tolist()
    rows = map_images(lambda path: _read_properties(root, path), paths, "measuring images")
    measured = pd.DataFrame(list(rows), columns=list(COLUMNS[3:]))
    return pd.concat([table.frame[["path", "label", "split"]], measured], axis=1)


def _read_properties(root: Path, path: str) -> dict[str, Any]:
    try:
        data = (root / path).read_bytes()
        return measure_image(decode_image(data), len(data))
    except (OSError, ImageError) as error:
        raise DatasetError(
            f"{root / path} changed since the dataset was read ({error}); run the pipeline again."
        ) from error
