"""Imports a dataset into a table file, and overwrites nothing that a person may have written."""

from __future__ import annotations

from pathlib import Path

from pipelines.writing import writing
from vision.datasets.importing import import_dataset, write_table
from vision.datasets.table import METADATA_KEY, AnnotationTable
from vision.errors import DatasetError


def import_table(
    source: Path,
    images: Path | None,
    output: Path | None,
    group_by: str | None,
    seed: int,
    *,
    is_forced: bool,
) -> tuple[AnnotationTable, Path]:
    """Makes an annotation table of a folder or file and writes it.

    Args:
      source: as :func:`vision.datasets.importing.import_dataset`, like the next ones.
      images: the folder that the paths in a file are relative to.
      output: the file to write; None for ``<images>.parquet`` beside the folder of images.
      group_by: images with the same match stay in one split.
      seed: another seed holds out other images.
      is_forced: whether a file that is there may be replaced, whatever it is.

    Returns:
      the table and the file.

    Raises:
      DatasetError: the source cannot be read, or the file is there and is not ours to replace.
    """
    target = output or (_beside(source.resolve()) if source.is_dir() else None)
    if target is not None and not is_forced:
        # What is known before everything is read is said before.
        _check_free(target, source)
    table = import_dataset(source, images, group_by=group_by, seed=seed)
    if target is None:
        target = _beside(table.root)
        if not is_forced:
            _check_free(target, source)
    with writing("--output", target):
        write_table(table, target)
    return table, target


def _beside(root: Path) -> Path:
    return root.with_name(f"{root.name}.parquet")


def _check_free(target: Path, source: Path) -> None:
    """Refuses to replace the source, and what no import has written.

    A CSV file does not say who wrote it, and people correct labels in it.
    """
    if not target.exists():
        return
    if source.exists() and target.samefile(source):
        what = "is the source itself"
    elif _is_import(target):
        return
    else:
        what = "exists and does not say that an import wrote it"
    raise DatasetError(
        f"{target} {what}; name another file with --output, or replace it with --force."
    )


def _is_import(file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return METADATA_KEY in (pq.read_schema(file).metadata or {})
    except (pa.ArrowException, OSError):
        return False
