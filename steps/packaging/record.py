"""The note about a built image: ``home()/images/<name>.json``, beside its archive."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from steps.packaging.containers import PackagingError
from steps.packaging.image import BuiltImage
from vision.home import folder

FOLDER = "images"


def archive_path(tag: str) -> Path:
    """Returns where the archive of an image is kept; the folder is made."""
    return folder(FOLDER) / f"{_file_name(tag)}.tar"


def write_record(built: BuiltImage, bundle: Path) -> Path:
    """Notes an image and the bundle in it, and returns the note's path."""
    path = folder(FOLDER) / f"{_file_name(built.tag)}.json"
    noted = {**asdict(built), "archive": str(built.archive), "bundle": str(bundle)}
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(noted, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def read_record(path: Path | None = None) -> tuple[BuiltImage, Path]:
    """Returns a noted image and its bundle; the newest if no path is given.

    Raises:
      PackagingError: there is none, or it cannot be read.
    """
    chosen = path or _newest()
    try:
        noted = json.loads(chosen.read_bytes())
        bundle = Path(noted.pop("bundle"))
        return BuiltImage(**{**noted, "archive": Path(noted["archive"])}), bundle
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackagingError(
            f"{chosen} is no note about an image ({error!r}); build one: make image"
        ) from error


def _newest() -> Path:
    notes = sorted(folder(FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    if not notes:
        raise PackagingError("no image was built yet; build one: make image")
    return notes[-1]


def _file_name(tag: str) -> str:
    return tag.replace("/", "_").replace(":", "-")
