"""Finds the files of a dataset laid out as class folders; no file is opened here.

``root/<class>/<file>``, or ``root/<split>/<class>/<file>`` where there is a folder ``train``
(beside it ``validation``, ``valid`` or ``val``, and ``test``). Linked files are followed as long
as they stay under the root or lead into the cache of the DVC workspace that it lies in; linked
folders are not. A hard link cannot be told from the file that
it shares its bytes with: whoever made it could have copied the file as well.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vision.datasets.bounds import Bounds, bounds_of
from vision.datasets.label_names import clean_name, note_clashes
from vision.datasets.labelled import SPLIT_NAMES, Labelled
from vision.datasets.problems import Problems
from vision.errors import DatasetError

_SYSTEM_NAMES = frozenset(("thumbs.db", "desktop.ini", "__macosx", "icon\r"))


def scan_folder(root: Path, problems: Problems) -> list[Labelled]:
    """Lists the labelled files under ``root``, sorted by path.

    Args:
      root: the dataset's folder.
      problems: gets what is left out, with paths.

    Raises:
      DatasetError: ``root`` is no folder, or has held-out splits but no ``train``.
    """
    if not root.is_dir():
        raise DatasetError(f"dataset.path {root} is no folder; give the folder of class folders.")
    bounds = bounds_of(root)
    folders, files = _entries(root, root, bounds, problems)
    for path in files:
        problems.add("outside_classes", path)
    found = list(_labelled(root, folders, bounds, problems))
    note_clashes({PurePosixPath(labelled.path).parent.name for labelled in found}, problems)
    return sorted(found, key=lambda labelled: labelled.path)


def _labelled(
    root: Path, folders: list[str], bounds: Bounds, problems: Problems
) -> Iterator[Labelled]:
    names = {folder: SPLIT_NAMES.get(folder.casefold()) for folder in folders}
    if "train" not in names.values():
        if folders and all(names.values()):
            raise DatasetError(
                f"{root} has the splits {', '.join(sorted(folders))} but no train; add the folder "
                "train, or put the class folders directly into the dataset's folder."
            )
        yield from _classes(root, folders, None, bounds, problems)
        return
    for folder, split in names.items():
        if split is None:
            problems.add("outside_classes", folder, "not named train, validation or test")
            continue
        classes, loose = _entries(root / folder, root, bounds, problems)
        for path in loose:
            problems.add("outside_classes", path)
        yield from _classes(root, classes, split, bounds, problems)


def refusal(path: Path, bounds: Bounds) -> tuple[str, str] | None:
    """Tells why a path must not be opened, as (check, sentence), or None if it may be.

    Only regular files whose real place is within ``bounds`` are opened: reading a pipe would
    wait for ever, and a link may lead to any file of the machine.
    """
    try:
        info = path.stat()
        real = path.resolve(strict=True)
    except FileNotFoundError:
        return ("refused_links", "broken link") if path.is_symlink() else ("missing_files", "")
    except RuntimeError:
        return "refused_links", "leads to itself"
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            return "refused_links", "leads to itself"
        return "unreadable_files", str(error)
    if not bounds.hold(real):
        return "refused_links", "leads outside the dataset"
    if not stat.S_ISREG(info.st_mode):
        return "special_files", ""
    return None


def _classes(
    root: Path, folders: list[str], split: str | None, bounds: Bounds, problems: Problems
) -> Iterator[Labelled]:
    for folder in folders:
        name = clean_name(PurePosixPath(folder).name)
        if not name:
            problems.add("outside_classes", folder, "its name is blank")
            continue
        nested, files = _entries(root / folder, root, bounds, problems)
        for path in nested:
            problems.add("nested_folders", path, "class folders hold images only")
        if not files:
            problems.add("empty_classes", folder)
        for path in files:
            yield Labelled(path, name, split)


def _entries(
    folder: Path, root: Path, bounds: Bounds, problems: Problems
) -> tuple[list[str], list[str]]:
    """Returns the usable (folders, files) in ``folder``, relative to ``root`` and sorted."""
    folders: list[str] = []
    files: list[str] = []
    seen: dict[str, str] = {}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.add("unreadable_files", folder.relative_to(root).as_posix(), str(error))
        return folders, files
    for entry in entries:
        path = Path(entry.path).relative_to(root).as_posix()
        if entry.name.startswith(".") or entry.name.casefold() in _SYSTEM_NAMES:
            problems.add("hidden_files", _printable(path))
        elif _printable(path) != path:
            problems.add("unreadable_files", _printable(path), "the name is not UTF-8")
        elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 (never raises)
            problems.add("refused_links", path, "linked folders are not followed")
        elif entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif entry.is_file(follow_symlinks=False):
            files.append(path)
        elif refused := refusal(Path(entry.path), bounds):
            problems.add(refused[0], path, refused[1])
        else:
            files.append(path)
        same = seen.setdefault(unicodedata.normalize("NFC", entry.name).casefold(), path)
        if same != path:
            problems.add("name_clashes", _printable(path), f"beside {_printable(same)}")
    return folders, files


def _printable(path: str) -> str:
    """Returns the path with bytes that are not UTF-8 as escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
