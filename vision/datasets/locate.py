"""Finds where under the root the paths of a table lie.

A table often names its images as they lay on another machine, ``/home/them/data/cat/0.png``, or
relative to another folder. Where the paths as they stand are no files below the root, one prefix
is looked for that, taken off (and maybe replaced by a folder of the root), makes them so. It is
found from a sample of the rows and is the same for all of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# Rows that are tried, spread over the table: enough to outvote files that are missing or that
# happen to lie under two places, few enough to cost nothing (8 looks at the disk each).
_SAMPLE = 200
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


@dataclass(frozen=True)
class _Rule:
    """Takes ``prefix`` off a path and puts ``folder`` before the rest."""

    prefix: str
    folder: str

    def apply(self, path: str) -> str | None:
        if not path.startswith(self.prefix):
            return None
        return str(PurePosixPath(self.folder, path[len(self.prefix) :].lstrip("/")))


def locate(paths: Sequence[str], root: Path, folders: Sequence[str] = ()) -> list[str | None]:
    """Returns each path relative to ``root``, or None where it is not below it.

    Args:
      paths: as a table has them: relative, absolute, or of another machine. They need not exist.
      root: resolved.
      folders: folders of ``root`` that relative paths may be meant to start from.
    """
    plain = [_with_slashes(path, root) for path in paths]
    found = [_below(path, root) for path in plain]
    foreign = [n for n, path in enumerate(plain) if found[n] is None and _is_absolute(path)]
    _relocate(foreign, plain, found, root)
    relative = [n for n, path in enumerate(plain) if path and not _is_absolute(path)]
    if not any(_exists(found[n], root) for n in _spread(relative)):
        _relocate(relative, plain, found, root, folders)
    return found


def _relocate(
    rows: Sequence[int],
    plain: Sequence[str],
    found: list[str | None],
    root: Path,
    folders: Sequence[str] = (),
) -> None:
    """Replaces those of ``found`` that a common rule leads to a place below the root."""
    rule = _vote([plain[row] for row in _spread(rows)], root, folders)
    for row in rows if rule else ():
        assert rule is not None
        moved = rule.apply(plain[row])
        if moved is not None:
            found[row] = _below(moved, root)


def _vote(sample: Sequence[str], root: Path, folders: Sequence[str]) -> _Rule | None:
    """Returns the rule that most of the sample agree on; of two, the one with more path left."""
    votes = Counter(rule for path in sample if (rule := _longest_suffix(path, root, folders)))
    if not votes:
        return None
    return min(votes, key=lambda rule: (-votes[rule], len(rule.prefix), rule.prefix, rule.folder))


def _longest_suffix(path: str, root: Path, folders: Sequence[str]) -> _Rule | None:
    for prefix, rest in _cuts(path):
        if ".." in PurePosixPath(rest).parts:
            continue
        for folder in ("", *folders):
            rule = _Rule(prefix, folder)
            if (root / folder / rest).is_file():
                return rule
    return None


def _cuts(path: str) -> Iterator[tuple[str, str]]:
    """Yields (prefix, rest) at each slash, the longest rest first."""
    if not path.startswith("/"):
        yield "", path
    for place, letter in enumerate(path):
        if letter == "/" and place + 1 < len(path):
            yield path[: place + 1], path[place + 1 :]


def _spread(rows: Sequence[int]) -> Sequence[int]:
    return rows[:: max(1, len(rows) // _SAMPLE)]


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or bool(_DRIVE.match(path))


def _exists(relative: str | None, root: Path) -> bool:
    return relative is not None and os.path.lexists(root / relative)


def _with_slashes(path: str, root: Path) -> str:
    """Returns a path of Windows with forward slashes; here a backslash may belong to a name."""
    if "\\" not in path or "/" in path or os.path.lexists(root / path):
        return path
    return path.replace("\\", "/")


def _below(path: str, root: Path) -> str | None:
    """Returns the path relative to ``root`` without ``..``, or None where it is not below it."""
    if not path or _DRIVE.match(path):
        return None
    # Not resolved: a link inside the folder is judged by where it leads when it is opened.
    inside = os.path.relpath(os.path.join(root, path), root)  # noqa: PTH118 (60,000 of them)
    return None if inside == os.curdir or inside.split("/", 1)[0] == os.pardir else inside
