"""Pictures of a few images of a dataset, chosen so that every class is seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vision.augmentation import build_augmenter
from vision.config import AugmentationConfig
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.figures import augmentation_grid, image_grid
from vision.image_source import Images, open_images

_LARGEST_SIDE_PX = 96
_COLUMNS = 10


def sample_rows(rows: pd.DataFrame, n_images: int) -> pd.DataFrame:
    """Returns at most ``n_images`` rows, one class after the other until there are enough.

    Within a class the order is that of the files' checksums: arbitrary, and always the same.
    """
    ordered = rows.sort_values(["sha256", "path"])
    turn = ordered.groupby("label").cumcount()
    chosen = ordered.assign(turn=turn).sort_values(["turn", "label"]).head(n_images)
    return chosen.sort_values(["label", "turn"]).drop(columns="turn").reset_index(drop=True)


def draw_samples(table: AnnotationTable, n_images: int = 40) -> bytes:
    """Draws images of all splits with their labels, as PNG."""
    rows = sample_rows(table.frame, n_images)
    side = int(min(_LARGEST_SIDE_PX, max(rows["width"].max(), rows["height"].max())))
    heading = f"{len(rows)} of {len(table.frame):,} images"
    return image_grid(_read(table, rows, (side, side)), list(rows["label"]), _COLUMNS, heading)


def draw_augmentations(
    table: AnnotationTable,
    input_size: tuple[int, int],
    augmentation: AugmentationConfig,
    n_images: int = 8,
    n_variations: int = 7,
) -> bytes:
    """Draws training images beside what augmentation makes of them, as PNG.

    Args:
      table: the images; its ``train`` split is shown.
      input_size: ``(height, width)`` in pixels of the model.
      augmentation: backend and policy.
      n_images: rows of the picture.
      n_variations: pictures beside each original.

    Raises:
      DatasetError: the ``train`` split is empty.
    """
    train = table.rows("train")
    if train.empty:
        raise DatasetError(f"split train of {table.root} has no image to train on; add some")
    rows = sample_rows(train, n_images)
    originals = _read(table, rows, input_size)
    augment = build_augmenter(augmentation)
    varied = [augment(originals.copy(), key) for key in range(n_variations)]
    return augmentation_grid(originals, varied, list(rows["label"]))


def _read(table: AnnotationTable, rows: pd.DataFrame, input_size: tuple[int, int]) -> Images:
    # A budget of nothing streams: each image is needed once.
    source = open_images(table.root, list(rows["path"]), input_size, budget_bytes=0)
    return source.take(np.arange(len(rows)))
