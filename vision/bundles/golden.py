"""Golden images: a few held-out files whose answers travel with the bundle.

They are kept as the bytes they were, so that checking them goes through the decoder, the resizing
and the graph of whichever machine loads the bundle.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.bundles.load import GoldenImage, GoldenImages, ServingModel
from vision.bundles.manifest import GOLDEN_FILE
from vision.datasets.table import AnnotationTable
from vision.images.preprocess import load_image


def choose_golden(table: AnnotationTable, n_images: int) -> pd.DataFrame:
    """Chooses validation images, taking the classes in turn; the same table gives the same."""
    rows = table.rows("validation").sort_values("sha256", kind="stable")
    turn = rows.groupby("label").cumcount()
    in_turns = rows.assign(turn=turn).sort_values(["turn", "label"], kind="stable")
    return in_turns.head(n_images).drop(columns="turn")


def copy_golden(table: AnnotationTable, rows: pd.DataFrame, folder: Path) -> list[str]:
    """Copies the chosen files to ``golden/00.png`` and so on; returns these names."""
    (folder / "golden").mkdir()
    names = []
    for number, path in enumerate(rows["path"]):
        name = f"golden/{number:02d}{PurePosixPath(path).suffix.lower()}"
        (folder / name).write_bytes((table.root / path).read_bytes())
        names.append(name)
    return names


def read_golden(
    folder: Path, names: list[str], input_size: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Returns the golden images as ``(n, height, width, 3)`` RGB uint8."""
    return np.stack([load_image((folder / name).read_bytes(), input_size) for name in names])


def write_answers(serving: ServingModel, names: list[str], labels: list[str]) -> None:
    """Stores the serving graph's answers for the golden images."""
    images = read_golden(serving.folder, names, serving.manifest.input_size)
    probabilities = serving.predict(images).probabilities
    answers = GoldenImages(
        images=tuple(
            GoldenImage(file=name, label=label, probabilities=tuple(row.tolist()))
            for name, label, row in zip(names, labels, probabilities, strict=True)
        )
    )
    (serving.folder / GOLDEN_FILE).write_text(answers.model_dump_json(indent=2) + "\n")
