"""What a source says about its images, before any of them is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vision.datasets.table import Task

# What people call the splits -> what they are called here.
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Labelled:
    """A file with its label.

    Attributes:
      path: relative to the root, with forward slashes.
      label: name of the class; in a multi-label source the sorted names with ``|`` between them.
      split: as given by the data; None where it is still to be assigned.
      group: what images of one source have in common; empty where unknown.
      date: when the image was made, ISO 8601; empty where unknown.
    """

    path: str
    label: str
    split: str | None = None
    group: str = ""
    date: str = ""


@dataclass(frozen=True)
class Listing:
    """The labelled files of a source.

    Attributes:
      root: the folder that paths are relative to; nothing outside it is opened.
      images: sorted by path.
      task: whether an image has exactly one class or any number of them.
      is_complete: whether its splits are final: a table that was written by an import.
    """

    root: Path
    images: Sequence[Labelled]
    task: Task = "multiclass"
    is_complete: bool = False
