"""Reads the dataset of a configuration, whatever its source, and says where it is from."""

from __future__ import annotations

from pathlib import Path

from steps.revisions import describe_workspace, resolve_revision
from vision.config import DatasetConfig
from vision.datasets.load import load_annotations
from vision.datasets.table import AnnotationTable


def read_dataset(dataset: DatasetConfig) -> AnnotationTable:
    """Reads a dataset into an annotation table; a revision is resolved before anything is read.

    Images in a DVC workspace are read as they lie there, and the table's source says at which
    commit and whether anything was changed since.

    Raises:
      DatasetError: the data cannot be used.
    """
    if dataset.source == "dvc":
        resolved = resolve_revision(dataset)
        return load_annotations(resolved.config, resolved.source, images=resolved.folder)
    if dataset.source == "digits" or dataset.path is None:
        return load_annotations(dataset)
    path = Path(dataset.path).expanduser()
    folder = path.parent if dataset.source == "table" else path
    return load_annotations(dataset, describe_workspace(folder))
