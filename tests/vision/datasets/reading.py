"""Reads a dataset, and what was left out of it, in a word each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, load_annotations


def load(path: Path, source: str = "folder", **changes: Any) -> AnnotationTable:
    """Reads a dataset from disk."""
    return load_annotations(DatasetConfig(source=source, path=str(path), **changes))  # type: ignore[arg-type]


def listed(table: AnnotationTable) -> dict[str, tuple[str, ...]]:
    """Returns check name to paths."""
    return {finding.check: finding.images for finding in table.problems}
