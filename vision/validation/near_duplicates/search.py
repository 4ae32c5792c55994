"""Images that show the same picture in other files: recompressed, resized, mirrored, converted.

Candidates are found by perceptual hash (Zauner 2010, "Implementation and Benchmarking of
Perceptual Image Hash Functions"), upright and mirrored, and verified by pixels; a group counts
where it stands apart from the rest of the dataset. Photographs are seldom free of them: of the
test images of CIFAR-10, 3.3 % have a duplicate among the training images (Barz and Denzler 2020,
"Do We Train on Test Data? Purging CIFAR of Near-Duplicates", J. Imaging 6(6):41).

Copies that are cropped, rotated or heavily recoloured are not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from vision.datasets.table import SPLITS, AnnotationTable
from vision.validation.near_duplicates.copies import Copies, find_copies
from vision.validation.report import Finding

# The share of held-out images that the default condition lets pass.
_LARGEST_SHARE = 0.01
# Recompression moves the shrunk pixels of a CIFAR-10 image by 9 levels at most.
_RECOMPRESSED_LEVELS = 10.0


def find_near_duplicates(table: AnnotationTable, properties: pd.DataFrame) -> list[Finding]:
    """Finds near-duplicates across splits, within a split, and under different labels.

    * ``near_duplicates_across_splits``; value: share of the images of ``validation`` and ``test``
      that have a near-duplicate in another split, 0 to 1. An error above 0.01, else a warning; to
      be left out are the copies outside the test split, or outside validation where the test
      split has none.
    * ``near_duplicates_within_splits``; value: share of all images that repeat another picture of
      their split, 0 to 1. A warning above 0.01; to be left out are all but the first.
    * ``conflicting_near_duplicates``; value: images with a near-duplicate of another label. A
      warning.

    Images of the same bytes are other checks' matter; the same pixels in other bytes are not.

    Args:
      table: the annotation table.
      properties: one row per row of the table, see :mod:`vision.properties`.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    copies = find_copies(table, properties)
    if not copies.groups:
        return []
    found = _Found(table.frame, copies)
    findings = (_across_splits(found), _within_splits(found), _conflicting(found))
    return [finding for finding in findings if finding is not None]


class _Group:
    """Rows that show one picture, seen by one of their values, such as the split.

    Everything here grows with the number of rows, not with the number of their pairs.
    """

    def __init__(self, rows: list[int], copies: Copies, values: list[str]) -> None:
        self.rows = rows
        self._picture = copies.picture
        self._values = values
        # Picture -> value -> the first row of both.
        self._firsts: dict[int, dict[str, int]] = {}
        for row in rows:
            self._firsts.setdefault(int(self._picture[row]), {}).setdefault(values[row], row)
        # Two rows of different pictures for each value: one of them is not of a given picture.
        self._examples: dict[str, list[int]] = {}
        for firsts in self._firsts.values():
            for value, row in firsts.items():
                examples = self._examples.setdefault(value, [])
                if len(examples) < 2:
                    examples.append(row)

    def match(self, row: int, neighbours: list[int], *, same: bool) -> int | None:
        """Returns a row of another picture whose value is the same, or differs; None without one.

        Args:
          row: of this group.
          neighbours: pictures, those to be preferred first.
          same: whether the values must be equal or must differ.
        """
        near = (self._firsts.get(picture, {}).values() for picture in neighbours)
        any_other = self._examples.values()
        for other in (one for rows in (*near, *any_other) for one in rows):
            is_other = self._picture[other] != self._picture[row]
            if is_other and (self._values[other] == self._values[row]) is same:
                return other
        return None


@dataclass(frozen=True)
class _Member:
    """A row that a finding is about, the number of its group, and what it is a copy of."""

    row: int
    group: int
    original: int


class _Found:
    """The rows of a table with the groups of copies among them."""

    def __init__(self, frame: pd.DataFrame, copies: Copies) -> None:
        self.paths: list[str] = frame["path"].tolist()
        self.splits: list[str] = frame["split"].tolist()
        self.labels: list[str] = frame["label"].tolist()
        self.picture: list[int] = copies.picture.tolist()
        self._copies = copies
        self._neighbours = copies.neighbours()
        self._sizes = list(zip(frame["width"], frame["height"], strict=True))

    def members(self, values: list[str], *, same: bool) -> list[_Member]:
        """Returns the rows that show the picture of another row of the same or another value."""
        found = []
        for number, rows in enumerate(self._copies.groups):
            group = _Group(rows, self._copies, values)
            for row in rows:
                neighbours = self._neighbours.get(self.picture[row], [])
                original = group.match(row, neighbours, same=same)
                if original is not None:
                    found.append(_Member(row, number, original))
        return found

    def note(self, member: _Member) -> str:
        """Says what an image is a copy of, how it was changed and by how much."""
        row, other = member.row, member.original
        levels = self._copies.levels_apart(row, other)
        changes = {
            "mirrored": self._copies.is_mirrored(row, other),
            "resized": self._sizes[row] != self._sizes[other],
            "converted": self._suffix(row) != self._suffix(other),
            "altered": levels > _RECOMPRESSED_LEVELS,
        }
        how = ", ".join(name for name, is_so in changes.items() if is_so) or "recompressed"
        return f"{how} copy of {self.paths[other]}, pixels differ by {levels:.1f} of 255"

    def _suffix(self, row: int) -> str:
        suffix = PurePosixPath(self.paths[row]).suffix.lower()
        return ".jpg" if suffix == ".jpeg" else suffix


def _across_splits(found: _Found) -> Finding | None:
    members = found.members(found.splits, same=False)
    if not members:
        return None
    kept: dict[int, str] = {}
    for each in members:
        candidates = (kept.get(each.group, SPLITS[0]), found.splits[each.row])
        kept[each.group] = max(candidates, key=SPLITS.index)
    surplus = [each.row for each in members if found.splits[each.row] != kept[each.group]]
    n_held_out = sum(split != "train" for split in found.splits)
    n_leaked = sum(found.splits[each.row] != "train" for each in members)
    share = n_leaked / n_held_out
    notes = tuple(map(found.note, members))
    return Finding(
        check="near_duplicates_across_splits",
        severity="error" if share > _LARGEST_SHARE else "warning",
        message=f"{n_leaked:,} of {n_held_out:,} held-out images ({share:.2%}) have a "
        f"near-duplicate in another split, for example {found.paths[members[0].row]} "
        f"({notes[0]}); scores on held-out splits are too good",
        images=tuple(found.paths[each.row] for each in members),
        value=share,
        notes=notes,
        surplus=tuple(found.paths[row] for row in surplus),
    )


def _within_splits(found: _Found) -> Finding | None:
    members = found.members(found.splits, same=True)
    if not members:
        return None
    first: dict[tuple[int, str], int] = {}
    surplus = []
    for each in members:
        picture = found.picture[each.row]
        if first.setdefault((each.group, found.splits[each.row]), picture) != picture:
            surplus.append(each.row)
    share = len(surplus) / len(found.paths)
    notes = tuple(map(found.note, members))
    return Finding(
        check="near_duplicates_within_splits",
        severity="warning" if share > _LARGEST_SHARE else "info",
        message=f"{len(surplus):,} of {len(found.paths):,} images ({share:.2%}) repeat another "
        f"picture of their split, for example {found.paths[members[0].row]} ({notes[0]})",
        images=tuple(found.paths[each.row] for each in members),
        value=share,
        notes=notes,
        surplus=tuple(found.paths[row] for row in surplus),
    )


def _conflicting(found: _Found) -> Finding | None:
    members = found.members(found.labels, same=False)
    if not members:
        return None
    notes = tuple(map(found.note, members))
    first = members[0].row
    return Finding(
        check="conflicting_near_duplicates",
        severity="warning",
        message=f"{len(members):,} images have a near-duplicate of another label, for example "
        f"{found.paths[first]}, labelled {found.labels[first]} ({notes[0]})",
        images=tuple(found.paths[each.row] for each in members),
        value=float(len(members)),
        notes=notes,
    )
