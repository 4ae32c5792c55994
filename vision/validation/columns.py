"""Which columns and rows of the image-property table can be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Computed from the pixels alone; the others also depend on the file's size and format.
PIXEL_PROPERTIES = ("brightness", "contrast", "sharpness", "entropy")
HELD_OUT = ("validation", "test")
SPLITS = ("train", *HELD_OUT)

_PERFECT = 0.999


def numeric_properties(properties: pd.DataFrame) -> list[str]:
    """Returns the columns that hold a measurement: no paths, labels, flags or hashes."""
    return [str(name) for name in properties.select_dtypes("number").columns]


def informative_properties(properties: pd.DataFrame) -> list[str]:
    """Returns the measurements that tell images apart, each only once.

    Left out are columns with a single value, such as the aspect of a dataset of squares, and
    columns that follow an earlier one perfectly (Spearman's |r| of 0.999 or more), such as the
    three channels of gray images: they would count one difference several times. Ranks, because
    with plain values a few huge images make the area follow the bytes on disk.
    """
    varying = [name for name in numeric_properties(properties) if properties[name].nunique() > 1]
    correlation = properties[varying].corr(method="spearman").abs().to_numpy()
    kept: list[int] = []
    for column in range(len(varying)):
        if not np.any(correlation[column, kept] >= _PERFECT):
            kept.append(column)
    return [varying[column] for column in kept]
