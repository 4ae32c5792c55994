"""Something on this machine that may not be needed any more."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from steps.packaging.containers import Tool

# In the order in which they are removed: an image's age is known by its archive and note.
Kind = Literal["image", "archive", "note", "roll-out files", "bento", "container", "leftover"]
Owner = tuple[str, str]

# What is being removed is renamed to this first; every list of the project passes it over.
ASIDE = ".visionstack-gc-"


class UnsureError(Exception):
    """A folder is not what it should be, so nothing in it is looked at; the message says why."""


@dataclass(frozen=True)
class Thing:
    """A file, a folder, an image or a container.

    Attributes:
      kind: what it is.
      name: its path, or what the builder calls it.
      owners: the model versions that it belongs to, as (model, version); none where it is not known
        which; None for what a process that was killed has left, which belongs to no version.
      n_bytes: that its removal frees; None where only the builder could say.
      changed_at: when anything in it was last written, in seconds of the epoch; None if not known.
      place: file or folder; None in a builder's store.
      tool: the builder that has it; None for files.
      user: what uses it now; empty where nothing does.
    """

    kind: Kind
    name: str
    owners: frozenset[Owner] | None
    n_bytes: int | None
    changed_at: float | None
    place: Path | None = None
    tool: Tool | None = None
    user: str = ""


@dataclass(frozen=True)
class Found:
    """A file or folder that nobody has looked into yet; the attributes are those of a thing."""

    kind: Kind
    place: Path
    owners: frozenset[Owner] | None


def look_at(found: Found, user: str = "") -> Thing:
    """Measures a file or folder.

    Raises:
      OSError: it cannot be read.
    """
    parts = list(_measure(found.place))
    return Thing(
        kind=found.kind,
        name=str(found.place),
        owners=found.owners,
        n_bytes=sum(n_bytes for n_bytes, _ in parts),
        # Where a removal has begun, the age says nothing.
        changed_at=None if found.place.name.startswith(ASIDE) else max(at for _, at in parts),
        place=found.place,
        user=user or _holder(found),
    )


def list_entries(folder: Path, *, only_read: bool = False) -> list[os.DirEntry[str]]:
    """Returns what is in a folder, sorted; nothing where there is no such folder.

    Args:
      folder: its path.
      only_read: whether nothing in it will be removed; then it may be a link.

    Raises:
      UnsureError: it cannot be read, or is a link.
    """
    if folder.is_symlink() and not only_read:
        raise UnsureError(f"{folder} is a link, and nothing behind it is removed")
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnsureError(f"{folder} cannot be read ({error.strerror})") from error


def _holder(found: Found) -> str:
    """Says that a process holds a file in a folder that was being filled, as a build does."""
    if found.owners is not None or found.place.is_symlink() or not found.place.is_dir():
        return ""
    for each in sorted(found.place.iterdir()):
        if stat.S_ISREG(each.lstat().st_mode):
            with each.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return f"a process that holds {each.name}"
    return ""


def _measure(place: Path) -> Iterator[tuple[int, float]]:
    """Yields what each file frees, and when it was written; links are not followed."""
    found = place.lstat()
    if place.is_symlink() or not place.is_dir():
        # A second name of a file keeps its contents; uv makes environments of such.
        yield (found.st_size if found.st_nlink == 1 else 0), found.st_mtime
        return
    yield 0, found.st_mtime
    for each in sorted(place.iterdir()):
        yield from _measure(each)
