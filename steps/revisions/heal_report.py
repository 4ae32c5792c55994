"""What healing a dataset revision found, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from vision.wording import count

_MOST_NAMES = 20


@dataclass(frozen=True)
class BadFile:
    """A file that was missing or whose bytes were not the recorded ones.

    Attributes:
      path: in the revision's folder.
      where: ``revision folder``, ``object store``, ``DVC cache``, or another revision.
      healed: whether it is whole again.
      why: why it is not; empty where it is.
    """

    path: str
    where: str
    healed: bool
    why: str = ""


@dataclass(frozen=True)
class HealReport:
    """What was read and what came of it.

    Attributes:
      where: the revision in a few words.
      n_files: how many files it has.
      bad: what was found, a line per file and place.
      others: what was found in folders of other revisions that shared a damaged file.
    """

    where: str
    n_files: int
    bad: tuple[BadFile, ...]
    others: tuple[BadFile, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every file is right now."""
        return all(each.healed for each in (*self.bad, *self.others))

    @property
    def summary(self) -> str:
        """A few lines for a person."""
        n_bad = len({each.path for each in self.bad})
        if not n_bad:
            whole = f"All {self.n_files:,} files of {self.where} are whole."
            return "\n".join([whole, *self._shared()])
        broken = sorted({each.path for each in self.bad if not each.healed})
        first = f"{n_bad:,} of {self.n_files:,} files of {self.where} were damaged or missing; "
        first += f"{len(broken):,} still are." if broken else "all are whole again."
        # What could not be healed comes first.
        lines = [_line(each) for each in sorted(self.bad, key=lambda each: each.healed)]
        more = len(lines) - _MOST_NAMES
        rest = [f"  and {more:,} more"] if more > 0 else []
        return "\n".join([first, *lines[:_MOST_NAMES], *rest, *self._shared()])

    def _shared(self) -> list[str]:
        """Returns a line for each other revision that shared damaged files."""
        places = sorted({each.where for each in self.others})
        counted = {place: [e for e in self.others if e.where == place] for place in places}
        return [
            f"{place} shared {count(len(found), 'damaged file')}; "
            + ("healed there too" if all(e.healed for e in found) else "some still are damaged")
            for place, found in counted.items()
        ]


def _line(bad: BadFile) -> str:
    return f"  {bad.path} ({bad.where}): {'healed' if bad.healed else bad.why}"
