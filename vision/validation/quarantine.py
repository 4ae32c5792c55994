"""Leaves out the images of findings that the configuration wants gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vision.datasets.table import AnnotationTable
from vision.validation.report import Finding
from vision.wording import count


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
