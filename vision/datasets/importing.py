"""Imports a dataset of any form into an annotation table, and writes the table to a file.

The file is read back with ``source: table`` and gives the same table, digest and all.
"""

from __future__ import annotations

import csv
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from vision.config.dataset import DatasetConfig, SplitConfig
from vision.datasets.load import load_annotations
from vision.datasets.table import COLUMNS, AnnotationTable
from vision.errors import ConfigError, DatasetError

_ORDER = ("path", "label", "split", "group", "date", "sha256", "width", "height", "mode", "n_bytes")


def import_dataset(
    source: Path,
    images: Path | None = None,
    *,
    group_by: str | None = None,
    split: SplitConfig | None = None,
    seed: int = 0,
) -> AnnotationTable:
    """Reads a folder of class folders, a CSV or parquet file, or a COCO JSON file.

    Args:
      source: the folder or the file.
      images: the folder that the paths in a file are relative to; None for the file's own.
      group_by: see :class:`vision.config.dataset.DatasetConfig`.
      split: shares to hold out where the data has no splits.
      seed: another seed holds out other images.

    Raises:
      DatasetError: ``source`` cannot be read, or leaves no image, or fewer than two classes.
      ConfigError: ``group_by`` or ``seed`` cannot be used.
    """
    is_folder = source.is_dir()
    if is_folder and images is not None:
        raise DatasetError(
            f"{source} is a folder of images itself; the folder {images} is given beside a CSV, "
            "parquet or JSON file only."
        )
    try:
        config = DatasetConfig(
            source="folder" if is_folder else "table",
            path=str(source),
            group_by=group_by,
            split=split or SplitConfig(),
            seed=seed,
        )
    except ValidationError as error:
        raise ConfigError(
            [
                f"{'.'.join(map(str, problem['loc']))} = {problem['input']!r}: {problem['msg']}"
                for problem in error.errors()
            ]
        ) from error
    return load_annotations(config, images=images)


def write_table(table: AnnotationTable, output: Path) -> None:
    """Writes a table to a file that ``source: table`` reads; an old one is replaced whole.

    A parquet file records where the images lie relative to itself, so that both can be moved
    together. A CSV file records no place and has to lie in the root.

    Args:
      table: what to write.
      output: a ``.parquet`` or ``.csv`` file; its folder exists.

    Raises:
      DatasetError: the file is of another kind, in a folder that is not there, or a CSV file
        outside the root.
    """
    folder = output.resolve().parent
    suffix = output.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise DatasetError(f"{output} must end in .parquet or .csv.")
    if not folder.is_dir():
        raise DatasetError(f"{output} cannot be written: there is no folder {folder}; make it.")
    root = table.root.resolve()
    if suffix == ".csv" and folder != root:
        raise DatasetError(
            f"{output} does not lie in {root}, which its paths would be relative to; write "
            f"{root / output.name}, or a .parquet file, which records the place of its images."
        )
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=folder) as drafts:
        draft = Path(drafts) / output.name
        if suffix == ".csv":
            # Every text in quotes: a carriage return in a name would end the line otherwise.
            _frame(table).to_csv(
                draft, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC
            )
        else:
            place = Path(os.path.relpath(root, folder))
            replace(table, root=place).to_parquet(draft)
        draft.replace(output)


def _frame(table: AnnotationTable) -> pd.DataFrame:
    assert set(_ORDER) == set(COLUMNS)
    label = "labels" if table.task == "multilabel" else "label"
    return table.frame[list(_ORDER)].rename(columns={"label": label})
