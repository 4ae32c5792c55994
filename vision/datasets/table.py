"""The annotation table: which images there are, what they show, and which split they are in.

The one form in which a dataset travels between steps. Pixels stay in their files under ``root``;
the table holds their names and checksums, so its digest names the data wherever it lies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.errors import DatasetError
from vision.validation.report import Finding

SPLITS = ("train", "validation", "test")
Task = Literal["multiclass", "multilabel"]
# Between the class names in the label of a multi-label table; no class name may contain it.
SEPARATOR = "|"
COLUMNS: Mapping[str, str] = {
    "path": "object",
    "sha256": "object",
    "width": "int32",
    "height": "int32",
    "mode": "object",
    "n_bytes": "int64",
    "label": "object",
    "split": "object",
    "group": "object",
    "date": "object",
}
_OPTIONAL = ("group", "date")
METADATA_KEY = b"visionstack"


@dataclass(frozen=True, eq=False)
class AnnotationTable:
    """The images of a dataset.

    Attributes:
      root: the folder that paths are relative to.
      frame: one row per usable image, sorted by path, with the columns

        * ``path``: relative to ``root``, with forward slashes;
        * ``sha256``: of the file, 64 hex digits;
        * ``width``, ``height``: in pixels, upright (int32);
        * ``mode``: stored channels, for example ``RGB``, ``L``, ``CMYK``;
        * ``n_bytes``: length of the file (int64);
        * ``label``: name of the class; in a multi-label table the sorted names of its classes with
          ``|`` between them, empty for an image of no class;
        * ``split``: ``train``, ``validation`` or ``test``;
        * ``group``: what images of one source or burst have in common, empty where unknown;
        * ``date``: when the image was made, ISO 8601, empty where unknown.
      classes: names of the classes in plain string order ("10" before "2"); the class index of a
        label is its place here.
      problems: what was found while reading, with the files that were left out.
      source: where the images come from: ``kind``, ``path``, and ``revision`` where there is one.
      task: whether an image has exactly one class or any number of them.
    """

    root: Path
    frame: pd.DataFrame
    classes: tuple[str, ...]
    problems: tuple[Finding, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    task: Task = "multiclass"

    @classmethod
    def from_rows(
        cls,
        root: Path,
        rows: Iterable[Mapping[str, Any]],
        problems: Iterable[Finding] = (),
        source: Mapping[str, str] | None = None,
        task: Task = "multiclass",
    ) -> AnnotationTable:
        """Makes a table of rows in any order; the classes are the labels that occur.

        Rows may lack ``group`` and ``date``.
        """
        frame = _complete(pd.DataFrame(list(rows), columns=list(COLUMNS)))
        frame = frame.sort_values("path", ignore_index=True)
        labels = set(frame["label"])
        if task == "multilabel":
            labels = {name for label in labels for name in split_label(label)}
        return cls(root, frame, tuple(sorted(labels)), tuple(problems), dict(source or {}), task)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over task, classes and rows (path, sha256, label, split, group, date).

        It is independent of ``root``.
        """
        hasher = hashlib.sha256(json.dumps([self.task, *self.classes]).encode())
        columns = (self.frame[name] for name in ("path", "sha256", "label", "split", *_OPTIONAL))
        for row in zip(*columns, strict=True):
            hasher.update(json.dumps(row).encode())
        return hasher.hexdigest()

    def rows(self, split: str) -> pd.DataFrame:
        """Returns the rows of one split in path order, numbered from 0.

        Raises:
          DatasetError: there is no such split.
        """
        if split not in SPLITS:
            raise DatasetError(f"There is no split {split!r}; use one of {', '.join(SPLITS)}.")
        return self.frame[self.frame["split"] == split].reset_index(drop=True)

    def keep(self, is_kept: pd.Series) -> AnnotationTable:
        """Returns the table of the rows where ``is_kept`` holds; the classes stay the same."""
        return replace(self, frame=self.frame[is_kept].reset_index(drop=True))

    def targets(self) -> npt.NDArray[np.uint8]:
        """Returns which classes each image has: (n, n_classes), 0 or 1."""
        index = {name: number for number, name in enumerate(self.classes)}
        targets = np.zeros((len(self), len(index)), np.uint8)
        for row, label in enumerate(self.frame["label"]):
            names = split_label(label) if self.task == "multilabel" else (label,)
            targets[row, [index[name] for name in names]] = 1
        return targets

    def class_index(self, labels: Iterable[str]) -> npt.NDArray[np.int64]:
        """Returns the class index of each label, (n,) int64.

        Raises:
          DatasetError: a label is not among the classes.
        """
        index = {name: number for number, name in enumerate(self.classes)}
        labels = list(labels)
        unknown = sorted(set(labels) - set(index))
        if unknown:
            raise DatasetError(
                f"The labels {unknown[:5]} are not among the {len(index)} classes of the dataset."
            )
        return np.array([index[label] for label in labels], np.int64)

    def to_parquet(self, path: str | Path) -> None:
        """Writes the table to one file; what is not a row goes to the schema's metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        about = {
            "root": str(self.root),
            "classes": self.classes,
            "problems": [finding.model_dump() for finding in self.problems],
            "source": dict(self.source),
            "task": self.task,
        }
        table = pa.Table.from_pandas(self.frame, preserve_index=False)
        metadata = {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(about).encode()}
        pq.write_table(table.replace_schema_metadata(metadata), path)

    @classmethod
    def from_parquet(cls, path: str | Path) -> AnnotationTable:
        """Reads what :meth:`to_parquet` wrote.

        Raises:
          DatasetError: the file is parquet, but not an annotation table.
        """
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        stored = (table.schema.metadata or {}).get(METADATA_KEY)
        if stored is None:
            raise DatasetError(f"{path} is no annotation table; read it with source: table.")
        about = json.loads(stored)
        return cls(
            root=Path(about["root"]),
            frame=_complete(table.to_pandas()),
            classes=tuple(about["classes"]),
            problems=tuple(Finding.model_validate(finding) for finding in about["problems"]),
            source=about["source"],
            task=about.get("task", "multiclass"),
        )


def split_label(label: str) -> tuple[str, ...]:
    """Returns the class names in the label of a multi-label table."""
    return tuple(label.split(SEPARATOR)) if label else ()


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns of a table in their order and types; optional ones may be missing."""
    frame = frame.reindex(columns=list(COLUMNS))
    frame[list(_OPTIONAL)] = frame[list(_OPTIONAL)].fillna("")
    return frame.astype(dict(COLUMNS))
