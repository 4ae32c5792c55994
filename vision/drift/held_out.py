"""The images that a drift check is tried on: none that the model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.datasets.passes import map_images
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ImageError
from vision.images import decode_image
from vision.images.types import Pixels


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Images that the model was not trained on.

    Attributes:
      images: ``(h, w, 3)`` RGB uint8, in their own sizes.
      labels: what each shows; of an image of several classes, as the annotation table joins them.
      split: where they are from.
      places: rows of the reference set that are the same images; none of ``test`` ones is.
    """

    images: Sequence[Pixels]
    labels: Sequence[str]
    split: Literal["test", "validation"]
    places: npt.NDArray[np.intp]


def read_held_out(
    table: AnnotationTable, reference: pd.DataFrame, n_images: int, seed: int, *, after: int = 0
) -> HeldOut:
    """Reads at most ``n_images`` images of the test split.

    Where it has none, they are from the reference set, at most half of it: images cannot be
    compared with a reference set that they stand in.

    Args:
      table: the dataset.
      reference: the rows of the reference set, of its columns ``path`` and ``label`` at least.
      n_images: how many at most.
      seed: chooses among more.
      after: so many that the seed chooses first are passed over: with the number that a power table
        was made with these are images that it did not use. There may be none.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    rng = np.random.default_rng(seed)
    tested = table.rows("test")
    places = np.empty(0, np.intp)
    if tested.empty:
        places = _choose(len(reference), after, min(n_images, len(reference) // 2), rng)
        rows = reference.iloc[places]
    else:
        rows = tested.iloc[_choose(len(tested), after, n_images, rng)]
    files = [table.root / path for path in rows["path"]]
    return HeldOut(
        images=list(map_images(_read, files, "decoding held-out images")),
        labels=list(rows["label"]),
        split="validation" if tested.empty else "test",
        places=places,
    )


def _choose(n: int, after: int, n_chosen: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return np.sort(rng.permutation(n)[after : after + n_chosen])


def _read(file: Path) -> Pixels:
    try:
        return decode_image(file.read_bytes())
    except (OSError, ImageError) as error:
        raise DatasetError(
            f"{file} changed since the dataset was read ({error}); run the pipeline again"
        ) from error
