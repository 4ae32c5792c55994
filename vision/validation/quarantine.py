"""Leaves out the images of findings that the configuration wants gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vision.datasets.label_names import clean_name
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.validation.checks import images_of_classes
from vision.validation.report import Finding
from vision.wording import count

_MOST_NAMES = 10
# What is found in files that were meant as images; a folder of other files is no class.
_DAMAGE = frozenset(("corrupt_images", "empty_files", "too_large_images", "unreadable_files"))


@dataclass(frozen=True)
class Selection:
    """What is left of a dataset.

    Attributes:
      table: the images that stay, with the classes of the whole table.
      left_out: check to the number of images that it had left out; an image of several checks
        counts for the first of them. Files that no table ever held count too.
    """

    table: AnnotationTable
    left_out: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """What was left out, in words."""
        if not self.left_out:
            return "no image was left out"
        parts = ", ".join(f"{n:,} by {check}" for check, n in self.left_out.items())
        return f"{count(sum(self.left_out.values()), 'image')} left out: {parts}"


def leave_out(
    table: AnnotationTable, findings: Sequence[Finding], checks: Iterable[str]
) -> Selection:
    """Leaves out the images that the findings of some checks are about.

    Of copies one stays: see ``Finding.to_leave_out``.

    Args:
      table: the dataset.
      findings: what validation found in it.
      checks: names of checks, in the order in which images are counted.
    """
    gone: set[str] = set()
    left_out: dict[str, int] = {}
    for check in checks:
        found = {path for each in findings if each.check == check for path in each.to_leave_out}
        if new := found - gone:
            left_out[check] = len(new)
            gone |= new
    if not gone:
        return Selection(table, left_out)
    return Selection(table.keep(~table.frame["path"].isin(gone)), left_out)


def check_classes(table: AnnotationTable, selection: Selection, needed: Iterable[str]) -> None:
    """Checks that quarantine leaves each class something to learn from.

    Args:
      table: the dataset before anything was left out.
      selection: what :func:`leave_out` made of it.
      needed: the splits that the job needs; without ``train`` nothing is checked.

    Raises:
      DatasetError: a class has lost its last training image.
    """
    if "train" not in needed:
        return
    before, after = (images_of_classes(each, "train") for each in (table, selection.table))
    lost = [name for name, n_images in before.items() if n_images and not after[name]]
    damaged = _damaged_classes(table, selection.left_out)
    lost += [name for name in damaged if not after.get(name)]
    if lost:
        classes = ", ".join(repr(name) for name in lost[:_MOST_NAMES])
        raise DatasetError(
            f"{table.root}: validation.quarantine leaves no training image of "
            f"{count(len(lost), 'class')} ({classes}; {selection.sentence}), and a model cannot "
            "learn a class without one; mend or add images, take a check off validation.quarantine,"
            " or remove the class"
        )


def _damaged_classes(table: AnnotationTable, left_out: Iterable[str]) -> list[str]:
    """Returns the classes that no table holds because every image in their folder is damaged."""
    listed = {problem.check: problem.images for problem in table.problems}
    folders = {
        PurePosixPath(path).parent.as_posix()
        for check in _DAMAGE.intersection(left_out)
        for path in listed.get(check, ())
    }
    return sorted(
        {
            clean_name(PurePosixPath(folder).name)
            for folder in folders.intersection(listed.get("empty_classes", ()))
        }
    )
