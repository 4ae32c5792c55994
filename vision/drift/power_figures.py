"""Pictures of what a drift check will see, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from vision.drift.corruptions import SCENARIOS, SEVERITIES, corrupt, describe
from vision.drift.power_table import CLEAN, SURE, PowerTable
from vision.images.types import Pixels

_CELL_INCHES = 0.55
_ROW_INCHES = 0.34
_STRIP_INCHES = 1.15
# Of a cell that is 1 wide: the image, and its caption below.
_ROW_HEIGHT = 1.2
_OF_SOME = ("channel_swap", "new_class")


def power_map(table: PowerTable) -> bytes:
    """Draws the share of windows found, kinds downwards, severities and sizes to the right.

    Cells that are promised are bold, and those not tried empty. The first row is images that
    nothing was done to.
    """
    kinds = tuple(dict.fromkeys(kind for kind, _ in table.changes))
    panel_inches = max(1.6, _CELL_INCHES * len(table.sizes))
    size = (2.6 + len(SEVERITIES) * (panel_inches + 0.15), 1.5 + _ROW_INCHES * len(kinds))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(SEVERITIES), sharey=True)
    for axis, severity in zip(panels, SEVERITIES, strict=True):
        shown = _draw_panel(axis, table, kinds, severity)
    panels[0].set_yticks(range(len(kinds)), [_row_name(kind) for kind in kinds])
    figure.supxlabel("changed images that were checked (images)", fontsize=9)
    figure.colorbar(shown, ax=panels, label="windows found (%)", fraction=0.03, pad=0.02)
    return _png(figure)


def _draw_panel(axis: Axes, table: PowerTable, kinds: Sequence[str], severity: int) -> AxesImage:
    shares = np.full((len(kinds), len(table.sizes)), np.nan)
    for row, kind in enumerate(kinds):
        # Nothing has no severity: its row stands in the first panel.
        level = 0 if kind == CLEAN else severity
        if kind == CLEAN and severity != SEVERITIES[0]:
            continue
        tried = table.sizes_of(kind, level)
        for column, size in enumerate(table.sizes):
            if size in tried:
                shares[row, column] = table.entry(kind, level, size).share
    shown = axis.imshow(100 * shares, cmap="Blues", vmin=0.0, vmax=100.0, aspect="auto")
    axis.set_title(f"severity {severity}", fontsize=10)
    axis.set_xticks(range(len(table.sizes)), [f"{size:,}" for size in table.sizes], fontsize=8)
    axis.tick_params(axis="y", length=0, labelsize=9)
    for (row, column), share in np.ndenumerate(shares):
        if np.isnan(share):
            continue
        colour = "white" if share > 0.55 else "black"
        weight = "bold" if share >= SURE else "normal"
        text = f"{100 * share:.1f}" if 0 < share < 0.095 else f"{100 * share:.0f}"
        axis.text(
            column, row, text, ha="center", va="center", fontsize=8, color=colour, weight=weight
        )
    return shown


def _row_name(kind: str) -> str:
    return "nothing" if kind == CLEAN else kind.replace("_", " ")


def corruption_strip(images: Sequence[Pixels], seed: int = 0) -> bytes:
    """Draws an image as it was and under each kind and severity that changes pixels.

    Args:
      images: ``(h, w, 3)`` RGB uint8; the first is shown, the others lend corners to new things.
      seed: of the noise and of those corners.
    """
    kinds = [kind for kind in SCENARIOS if kind != "class_shift"]
    n_rows = 1 + len(SEVERITIES)
    figure = Figure(figsize=(_STRIP_INCHES * (len(kinds) + 0.3), _STRIP_INCHES * 1.2 * n_rows))
    # One axes for all: forty of them take seconds.
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.axis("off")
    for column, kind in enumerate(kinds):
        _show(axis, images[0], column, 0, "")
        axis.text(column, -0.52, kind.replace("_", " "), ha="center", fontsize=10, weight="bold")
        for severity in SEVERITIES:
            image, caption = _example(images, kind, severity, seed)
            _show(axis, image, column, severity, caption)
    for row, name in enumerate(("as it was", *(f"severity {each}" for each in SEVERITIES))):
        y = _ROW_HEIGHT * row
        axis.text(-0.57, y, name, rotation=90, ha="center", va="center", fontsize=10)
    axis.set_xlim(-0.75, len(kinds) - 0.45)
    axis.set_ylim(_ROW_HEIGHT * n_rows - 0.5, -0.75)
    return _png(figure)


def _example(images: Sequence[Pixels], kind: str, severity: int, seed: int) -> tuple[Pixels, str]:
    # Where the severity is a share of the images, the one that is shown is among them.
    level = SEVERITIES[-1] if kind in _OF_SOME else severity
    corrupted = corrupt(images, kind, level, np.random.default_rng([seed, severity]))
    return corrupted[0], describe(kind, severity)


def _show(axis: Axes, image: Pixels, column: int, row: int, caption: str) -> None:
    """Draws an image into a cell of 1 by 1.2 with its middle at ``column`` and ``1.2 row``."""
    height, width = (0.45 * side / max(image.shape[:2]) for side in image.shape[:2])
    y = _ROW_HEIGHT * row
    extent = (column - width, column + width, y + height, y - height)
    axis.imshow(image, interpolation="nearest", extent=extent, aspect="auto")
    axis.text(column, y + 0.47, caption, ha="center", va="top", fontsize=7)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
