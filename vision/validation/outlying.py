"""Images whose size, shape or look is far outside that of the others.

A property is usual between its 1st and its 99th percentile. Beyond that, an image is outlying
where it is farther from the nearer percentile than twice that percentile's distance from the
median: Tukey's fences (1977, "Exploratory Data Analysis", section 2D) with percentiles for
quartiles, and a side of its own above and below, because few properties of images are symmetric.
For a normal distribution the fences are 7 standard deviations out.

Percentiles, and not how isolated an image is, because a block of equal outliers is not isolated:
20 among 2,000 are found. What more than 1 % of the images have in common, such as the resolution
of one of several cameras, lies within the percentiles and is usual.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.datasets.table import AnnotationTable
from vision.validation.report import Finding

_Values = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]

_TAIL = 0.01
_FARTHER = 2.0
# The percentiles of fewer are chance: of 200 draws of 20 ordinary images 13 had an "outlier", of 30
# images 3, of 50 none.
_LEAST_IMAGES = 50
# An image that is far in one property often is in most.
_N_NOTED = 3
# Property -> whether it is judged by ratios, and what is too close to the usual to be called far
# even if all other images are equal: 2 % (of a size, say), 5 of 255 levels, a tenth of a bit.
_RATIO, _LEVELS, _BITS = (True, 0.02), (False, 0.02), (False, 0.1)
_SIZES = {"aspect": _RATIO, "area_px": _RATIO, "n_bytes": _RATIO}
_LOOKS = {
    "brightness": _LEVELS,
    "contrast": _LEVELS,
    "sharpness": _RATIO,
    "saturation": _LEVELS,
    "red_mean": _LEVELS,
    "green_mean": _LEVELS,
    "blue_mean": _LEVELS,
    "entropy": _BITS,
}


def outlying_images(table: AnnotationTable, properties: pd.DataFrame) -> list[Finding]:
    """Finds images with a property far outside the usual; value: how many.

    Of images of one colour only the size is judged: ``near_constant_images`` names them.

    Args:
      table: not looked at.
      properties: one row per image, see :mod:`vision.properties`.

    Returns:
      a warning whose notes name the properties of each image with their usual range, or nothing;
      nothing too where there are fewer than 50 images.
    """
    if len(properties) < _LEAST_IMAGES:
        return []
    notes: dict[int, list[str]] = {}
    for row, note in _far_values(properties):
        notes.setdefault(row, []).append(note)
    if not notes:
        return []
    rows = sorted(notes)
    paths = properties["path"].tolist()
    images = tuple(paths[row] for row in rows)
    texts = tuple("; ".join(notes[row][:_N_NOTED]) for row in rows)
    return [
        Finding(
            check="outlying_images",
            severity="warning",
            message=f"{len(rows):,} of {len(properties):,} images are far outside the usual, "
            f"for example {images[0]}: {texts[0]}",
            images=images,
            value=float(len(rows)),
            notes=texts,
        )
    ]


def _far_values(properties: pd.DataFrame) -> Iterator[tuple[int, str]]:
    """Yields the row and a note for each value that is far outside."""
    is_flat = properties["is_near_constant"].to_numpy(bool)
    for name, (is_ratio, least) in {**_SIZES, **_LOOKS}.items():
        values = properties[name].to_numpy(float)
        # 1 keeps the sharpness of a flat image, 0, finite; sizes are at least 1.
        offset = 1.0 if name == "sharpness" else 0.0
        is_far, low, high = _judge(np.log(values + offset) if is_ratio else values, least)
        if name in _LOOKS:
            is_far &= ~is_flat
        usual = _range(values[low], values[high])
        for row in np.flatnonzero(is_far).tolist():
            yield row, f"{name} {_shown(values[row])}, usually {usual}"


def _judge(values: _Values, least: float) -> tuple[_Flags, int, int]:
    """Returns which values are far outside, and the rows of the two percentiles.

    At least one value on each side lies beyond the percentiles, in however small a dataset.
    """
    order = np.argsort(values, kind="stable")
    n_beyond = max(1, int(_TAIL * len(values)))
    low, high = int(order[n_beyond]), int(order[-1 - n_beyond])
    middle = float(np.median(values))
    below = values[low] - max(least, _FARTHER * (middle - values[low]))
    above = values[high] + max(least, _FARTHER * (values[high] - middle))
    return (values < below) | (values > above), low, high


def _range(low: float, high: float) -> str:
    return _shown(low) if _shown(low) == _shown(high) else f"{_shown(low)} to {_shown(high)}"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
