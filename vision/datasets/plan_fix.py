"""What would mend a dataset: which files are damaged, and which copies are one too many.

Nothing is changed here. Of equal images the one that is held out stays, test before validation
before train, since scores are only right where training never saw it; within a split the first by
path stays. Equal images under different labels are left to a person.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vision.datasets.bounds import Bounds
from vision.datasets.open_inside import open_inside
from vision.datasets.scan import refusal
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.validation.report import Finding
from vision.wording import count, one_line

# File problems that a file is moved away for -> what it is.
DAMAGE = {
    "corrupt_images": "damaged or cut short",
    "empty_files": "empty",
    "not_images": "no image of a supported format",
    "too_large_images": "above the size limit",
}
COPIES = {
    "duplicates_across_splits": "a copy of an image in a held-out split",
    "duplicates_within_splits": "a copy of another image of its split",
}
_KEEP_FIRST = ("test", "validation", "train")
_MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Move:
    """A file to be moved away.

    Attributes:
      path: relative to the root.
      check: the check that found it.
      why: in words, for example what it is a copy of.
      sha256: of the file when the plan was made; another file is not moved.
    """

    path: str
    check: str
    why: str
    sha256: str


@dataclass(frozen=True)
class FixPlan:
    """What would be done to a dataset.

    Attributes:
      root: the dataset's folder, resolved.
      table_file: the file that lists the images; None where each class has a folder.
      moves: sorted by path.
      undecided: sentences about equal images that a person has to decide about.
      left: relative paths that stay although something is wrong with them, each with the reason.
    """

    root: Path
    table_file: Path | None
    moves: tuple[Move, ...]
    undecided: tuple[str, ...] = ()
    left: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to move."""
        return not self.moves

    def summary(self) -> str:
        """Returns the plan for people to read, with up to five examples of a kind."""
        lines = [f"{count(len(self.moves), 'file')} to move out of {self.root}"]
        by_check: dict[str, list[Move]] = defaultdict(list)
        for move in self.moves:
            by_check[move.check].append(move)
        for check, what in {**DAMAGE, **COPIES}.items():
            if found := by_check[check]:
                lines.append(f"{len(found):,} {what} ({check})")
                lines += _shown([f"{move.path}: {move.why}" for move in found])
        if self.undecided:
            lines.append(f"{count(len(self.undecided), 'image')} left alone until you decide")
            lines += _shown(self.undecided)
        if self.left:
            lines.append(f"{count(len(self.left), 'file')} left alone")
            lines += _shown([f"{path}: {why}" for path, why in self.left])
        if self.table_file is not None and self.moves:
            lines.append(f"{self.table_file} loses their rows")
        return "\n".join(lines)


def plan_fix(table: AnnotationTable, findings: Iterable[Finding] = ()) -> FixPlan:
    """Plans what mends a dataset; files are read, nothing is changed.

    Args:
      table: a dataset with source ``folder`` or ``table``.
      findings: of a validation; those that were made while the table was read count anyway.

    Raises:
      DatasetError: the dataset is a revision, which never changes, or its table file is a link.
    """
    root = table.root.resolve()
    table_file = _table_file(table)
    left: dict[str, str] = {}
    moves = {move.path: move for move in _damaged(root, [*table.problems, *findings], left)}
    undecided: list[str] = []
    equal = table.frame[table.frame["sha256"].duplicated(keep=False)]
    for sha256, members in equal.groupby("sha256", sort=False):
        if members["label"].nunique() > 1:
            undecided.append(_in_words(members))
        else:
            moves.update((move.path, move) for move in _copies(root, str(sha256), members, left))
    return FixPlan(
        root,
        table_file,
        tuple(moves[path] for path in sorted(moves)),
        tuple(undecided),
        tuple(sorted(left.items())),
    )


def why_left(root: Path, path: str) -> str:
    """Returns why a file must not be moved, or nothing if it may be.

    Args:
      root: resolved.
      path: relative to it.
    """
    file = root / path
    if refused := refusal(file, Bounds(root)):
        return refused[1] or {"missing_files": "not there any more"}.get(refused[0], "no file")
    # A link's target may be another image, or be reached by other links.
    return "" if file.resolve() == file else "reached through a link"


def sha256_of(root: Path, path: str) -> str:
    """Returns the checksum of a file below ``root``, read piece by piece.

    Raises:
      OSError: it cannot be read, or is not below the root.
    """
    with os.fdopen(open_inside(root / path, Bounds(root)), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _table_file(table: AnnotationTable) -> Path | None:
    kind = table.source.get("kind", "")
    if kind == "folder":
        return None
    if kind != "table":
        raise DatasetError(
            f"A dataset of source {kind or 'unknown'} is never changed; mend a folder or a table "
            "of your own (of a DVC repository: the folder in your checkout)."
        )
    file = Path(os.path.abspath(Path(table.source["path"]).expanduser()))  # noqa: PTH100
    if file.is_symlink():
        raise DatasetError(
            f"{file} is a link, and what it leads to may belong to others (a DVC cache); replace "
            "it by a copy first, with dvc unprotect or cp."
        )
    return file


def _damaged(root: Path, findings: Iterable[Finding], left: dict[str, str]) -> Iterator[Move]:
    for finding in findings:
        for path in finding.images if finding.check in DAMAGE else ():
            if why := why_left(root, path):
                left[path] = why
                continue
            try:
                yield Move(path, finding.check, DAMAGE[finding.check], sha256_of(root, path))
            except OSError as error:
                left[path] = error.strerror or str(error)


def _copies(root: Path, sha256: str, members: pd.DataFrame, left: dict[str, str]) -> Iterator[Move]:
    """Yields what is one too many of equal images with one label."""
    reasons = {path: why for path in members["path"] if (why := why_left(root, path))}
    if reasons:
        # Where one is a link to the other, moving either one loses the image.
        left.update(reasons)
        return
    ranked = sorted(
        zip(members["split"], members["path"], strict=True),
        key=lambda image: (_KEEP_FIRST.index(image[0]), image[1]),
    )
    kept_split, kept = ranked[0]
    for split, path in ranked[1:]:
        check = "duplicates_within_splits" if split == kept_split else "duplicates_across_splits"
        yield Move(path, check, f"a copy of {kept}", sha256)


def _in_words(members: pd.DataFrame) -> str:
    named = zip(members["path"], members["label"], strict=True)
    return " = ".join(f"{path} ({label})" for path, label in named)


def _shown(lines: Iterable[str]) -> list[str]:
    lines = [one_line(line) for line in lines]
    shown = [f"  {line}" for line in lines[:_MOST_EXAMPLES]]
    n_more = len(lines) - _MOST_EXAMPLES
    return [*shown, f"  and {n_more:,} more"] if n_more > 0 else shown
