"""Small charts as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

COLOURS: Mapping[str, str] = {"train": "#8c959f", "validation": "#0969da", "test": "#bc4c00"}

_WIDTH_PX = 180
_HEIGHT_PX = 40
_N_BINS = 30
_BAR_PX = 80


def draw_histogram(
    by_split: Mapping[str, npt.NDArray[np.float64]], title: str
) -> tuple[float, float, str] | None:
    """Draws the shares of each split over the same bins, train as an area and others as lines.

    Args:
      by_split: split to its values; those that are not finite are left out.
      title: says what is drawn to those who do not see it; plain words.

    Returns:
      the smallest value, the largest and the picture; None where no two values differ.
    """
    known = {split: values[np.isfinite(values)] for split, values in by_split.items()}
    known = {split: values for split, values in known.items() if len(values)}
    if not known:
        return None
    low = min(float(values.min()) for values in known.values())
    high = max(float(values.max()) for values in known.values())
    if low == high:
        return None
    shares = {
        split: np.histogram(values, _N_BINS, (low, high))[0] / len(values)
        for split, values in known.items()
    }
    top = max(float(share.max()) for share in shares.values())
    shapes = "".join(_shape(share / top, split) for split, share in shares.items())
    picture = (
        f'<svg role="img" aria-label="{title}" width="{_WIDTH_PX}" height="{_HEIGHT_PX}" '
        f'viewBox="0 0 {_WIDTH_PX} {_HEIGHT_PX}">{shapes}</svg>'
    )
    return low, high, picture


def draw_bar(share: float, split: str) -> str:
    """Draws a bar of the given share, 0 to 1, of the widest."""
    width = max(0.0, min(1.0, share)) * _BAR_PX
    return (
        f'<svg aria-hidden="true" width="{_BAR_PX}" height="10">'
        f'<rect width="{width:.1f}" height="10" fill="{COLOURS[split]}"/></svg>'
    )


def _shape(heights: npt.NDArray[np.float64], split: str) -> str:
    step = _WIDTH_PX / _N_BINS
    drawn_px = _HEIGHT_PX - 2
    points = [
        f"{(number + side) * step:.1f},{_HEIGHT_PX - 1 - height * drawn_px:.1f}"
        for number, height in enumerate(heights)
        for side in (0, 1)
    ]
    outline = " ".join(points)
    if split == "train":
        closed = f"0,{_HEIGHT_PX - 1} {outline} {_WIDTH_PX},{_HEIGHT_PX - 1}"
        return f'<polygon points="{closed}" fill="{COLOURS[split]}" fill-opacity="0.45"/>'
    return f'<polyline points="{outline}" fill="none" stroke="{COLOURS[split]}"/>'
