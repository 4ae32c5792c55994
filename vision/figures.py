"""Pictures of data and models as PNG bytes; every axis is labelled with its unit."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vision.evaluation import EvaluationReport

Images = npt.NDArray[np.uint8]

_SPLIT_COLOURS = {"train": "#4c72b0", "validation": "#dd8452", "test": "#55a868"}
_UNITS = {
    "brightness": "mean grey level (0..1)",
    "contrast": "deviation of grey levels (0..1)",
    "sharpness": "variance of the Laplacian",
    "saturation": "mean saturation (0..1)",
    "red_mean": "mean red (0..1)",
    "green_mean": "mean green (0..1)",
    "blue_mean": "mean blue (0..1)",
    "aspect": "width / height",
    "area_px": "area (px)",
    "n_bytes": "size on disk (bytes)",
    "entropy": "entropy (bits)",
}
_CELL_INCHES = 1.1
_LABELLED_CELLS = 20


def image_grid(images: Images, titles: Sequence[str], columns: int = 8, heading: str = "") -> bytes:
    """Draws images in rows, each with its title above it.

    Args:
      images: ``(n, height, width, 3)`` RGB uint8.
      titles: one per image.
      columns: images per row.
      heading: written above the grid.
    """
    rows = max(1, math.ceil(len(images) / columns))
    figure = Figure(figsize=(columns * _CELL_INCHES, rows * (_CELL_INCHES + 0.25) + 0.4))
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, title in zip(axes, images, titles, strict=False):
        axis.imshow(image, interpolation="nearest")
        axis.set_title(_shorten(title), fontsize=8, pad=2)
    figure.suptitle(heading, fontsize=10)
    return _png(figure)


def augmentation_grid(originals: Images, varied: Sequence[Images], titles: Sequence[str]) -> bytes:
    """Draws each original in the first column and its variations beside it.

    Args:
      originals: ``(n, height, width, 3)`` RGB uint8.
      varied: arrays of the same shape; one column each.
      titles: the originals' labels.
    """
    columns = 1 + len(varied)
    interleaved = np.stack([originals, *varied], axis=1).reshape(-1, *originals.shape[1:])
    cells = [
        label
        for title in titles
        for label in (title, *(f"varied {number + 1}" for number in range(len(varied))))
    ]
    return image_grid(interleaved, cells, columns, "training images and their augmentations")


def property_histograms(properties: pd.DataFrame) -> bytes:
    """Draws the distribution of every numeric image property, one line per split."""
    names = [name for name in _UNITS if name in properties]
    columns = 3
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(4.0 * columns, 2.6 * rows))
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis in axes[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes, names, strict=False):
        _histogram(axis, properties, name)
    axes[0].legend(fontsize=8, title="split", title_fontsize=8)
    return _png(figure)


def learning_curves(history: pd.DataFrame, best_epoch: int) -> bytes:
    """Draws loss and accuracy over the epochs and marks the epoch whose weights are kept."""
    figure = Figure(figsize=(9.0, 3.4))
    for axis, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axis.plot(history["epoch"], history[metric], marker=".", label="train")
        axis.plot(history["epoch"], history[f"val_{metric}"], marker=".", label="validation")
        axis.axvline(best_epoch, color="grey", linestyle=":", label="best epoch")
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss (nats)" if metric == "loss" else "accuracy (share of images)")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    return _png(figure)


def confusion_matrix(report: EvaluationReport) -> bytes:
    """Draws the confusion matrix; shades are shares of the true class, numbers are images."""
    counts = report.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(14.0, 2.2 + 0.5 * len(report.classes))
    figure = Figure(figsize=(side + 0.8, side))
    axis = figure.subplots()
    shown = axis.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    ticks = np.arange(len(report.classes))
    names = [_shorten(name) for name in report.classes]
    axis.set_xticks(ticks, names, rotation=45, ha="right", fontsize=8)
    axis.set_yticks(ticks, names, fontsize=8)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    axis.set_title(f"{report.split} split, {report.n_images:,} images", fontsize=10)
    if len(report.classes) <= _LABELLED_CELLS:
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axis.text(
                column,
                row,
                str(counts[row, column]),
                ha="center",
                va="center",
                fontsize=7,
                color=colour,
            )
    figure.colorbar(shown, ax=axis, label="share of the true class", fraction=0.046)
    return _png(figure)


def per_class_bars(report: EvaluationReport) -> bytes:
    """Draws precision, recall and F1 of every class."""
    table = report.per_class
    positions = np.arange(len(table))
    figure = Figure(figsize=(max(5.0, 0.7 * len(table) + 1.5), 3.4))
    axis = figure.subplots()
    for offset, metric in zip((-0.27, 0.0, 0.27), ("precision", "recall", "f1"), strict=True):
        axis.bar(positions + offset, table[metric], width=0.26, label=metric)
    axis.set_xticks(positions, [_shorten(name) for name in table["label"]], rotation=45, ha="right")
    axis.set_ylim(0.0, 1.0)
    axis.set_xlabel("class")
    axis.set_ylabel("score (0..1)")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axis.grid(axis="y", alpha=0.3)
    return _png(figure)


def _histogram(axis: Axes, properties: pd.DataFrame, name: str) -> None:
    values = properties[name].astype(float)
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 31)
    for split, colour in _SPLIT_COLOURS.items():
        chosen = values[properties["split"] == split]
        if len(chosen):
            weights = np.full(len(chosen), 1.0 / len(chosen))
            axis.hist(
                chosen, list(edges), weights=weights, histtype="step", color=colour, label=split
            )
    axis.set_title(name, fontsize=9)
    axis.set_xlabel(_UNITS[name], fontsize=8)
    axis.set_ylabel("share of images", fontsize=8)
    axis.tick_params(labelsize=7)


def _shorten(text: str, most: int = 14) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _png(figure: Figure) -> bytes:
    figure.set_layout_engine("tight")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
