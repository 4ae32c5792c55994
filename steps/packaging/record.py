"""The note about a built image: ``home()/images/<name>.json``, beside its archive.

It also says whether the image has passed its test, so that nobody hands on one that has not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from steps.packaging.containers import PackagingError
from steps.packaging.image import BENTO_DIGEST_LABEL, BuiltImage
from vision.home import folder, home

FOLDER = "images"


@dataclass(frozen=True)
class Note:
    """What is noted about an image.

    Attributes:
      path: the note.
      built: the image.
      bundle: that it was built with.
      passed: whether it passed its test; None where it was not tried yet.
    """

    path: Path
    built: BuiltImage
    bundle: Path
    passed: bool | None


def archive_path(tag: str) -> Path:
    """Returns where the archive of an image is kept; the folder is made."""
    return folder(FOLDER) / f"{_file_name(tag)}.tar"


def write_record(built: BuiltImage, bundle: Path, *, passed: bool | None = None) -> Path:
    """Notes an image and the bundle in it, and returns the note's path.

    Args:
      built: the image.
      bundle: that it was built with.
      passed: whether it passed its test; None where it was not tried yet.
    """
    path = folder(FOLDER) / f"{_file_name(built.tag)}.json"
    _write(Note(path, built, bundle, passed))
    return path


def read_record(path: Path | None = None) -> tuple[BuiltImage, Path]:
    """Returns a noted image and its bundle; the newest if no path is given.

    Raises:
      PackagingError: there is none, or it cannot be read.
    """
    note = read_note(path)
    return note.built, note.bundle


def read_note(path: Path | None = None) -> Note:
    """Returns a note; the newest if no path is given.

    Notes of before do not say whether the test was passed. Those that name the digest of a bento
    are of the deployment pipeline, which wrote them after the test.

    Raises:
      PackagingError: there is none, or it cannot be read.
    """
    chosen = path or _newest()
    try:
        noted = json.loads(chosen.read_bytes())
        bundle = Path(noted.pop("bundle"))
        passed = noted.pop("passed", BENTO_DIGEST_LABEL in noted["labels"] or None)
        built = BuiltImage(**{**noted, "archive": Path(noted["archive"])})
        return Note(chosen, built, bundle, passed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackagingError(
            f"{chosen} is no note about an image ({error!r}); build one: make image"
        ) from error


def note_test(note: Note, *, passed: bool) -> None:
    """Notes how the test of an image went; the note keeps its place."""
    _write(Note(note.path, note.built, note.bundle, passed))


def newest_notes() -> Iterator[Note]:
    """Yields the notes that can be read, the newest first; nothing is written."""
    notes = sorted((home() / FOLDER).glob("*.json"), key=lambda path: -path.stat().st_mtime_ns)
    for path in notes:
        try:
            yield read_note(path)
        except PackagingError:
            continue


def _write(note: Note) -> None:
    noted = {
        **asdict(note.built),
        "archive": str(note.built.archive),
        "bundle": str(note.bundle),
        "passed": note.passed,
    }
    partial = note.path.with_suffix(".part")
    partial.write_text(json.dumps(noted, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(note.path)


def _newest() -> Path:
    notes = sorted(folder(FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    if not notes:
        raise PackagingError("no image was built yet; build one: make image")
    return notes[-1]


def _file_name(tag: str) -> str:
    return tag.replace("/", "_").replace(":", "-")
