"""What processes that were killed have left: parts of files, and folders that were being filled."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from steps.upkeep.thing import ASIDE, Found, list_entries
from vision.home import repository

# Folders of the home, and how many folders down parts are written there. Datasets and caches look
# after themselves; keys are a person's.
FOLDERS = {
    "bundles": 1,
    "champions": 0,
    "deployments": 2,
    "environments": 0,
    "images": 0,
    "passports": 1,
    "serving": 0,
}
_PART = re.compile(
    r"\.(making|fetching|signing|stage|aside)-.+|\..+\.tmp|.+\.part(\.oci)?"
    + f"|{re.escape(ASIDE)}.+"
)
# What `tempfile` adds to a name.
_RANDOM = "[a-z0-9_]{8}"
_IN_TEMPORARY = rf"visionstack-((image|bento|lock|audit)-)?{_RANDOM}"
_OFFLINE = re.compile(rf"\.offline-{_RANDOM}")
_IN_OFFLINE = {
    *("README.md", "sbom.cdx.json", "licences.json", "signing.pub", "requirements.txt", "wheels")
}
_BENTO = re.compile(rf"bentoml_bento_visionstack{_RANDOM}")


def find_in_home(root: Path, name: str) -> Iterator[Found]:
    """Yields parts in one of :data:`FOLDERS`.

    Raises:
      UnsureError: a folder cannot be read, or is a link.
    """
    yield from _walk(root / name, FOLDERS[name])


def find_temporary(models: Iterable[str]) -> Iterator[Found]:
    """Yields folders of builds in the temporary folder.

    Args:
      models: of this project; BentoML names by them what it copies.

    Raises:
      UnsureError: the folder cannot be read.
    """
    named = "|".join(re.escape(model.lower()) for model in sorted(models))
    ours = re.compile(rf"{_IN_TEMPORARY}|bentoml-model-({named})-{_RANDOM}")
    folder = Path(tempfile.gettempdir()).resolve()
    yield from _folders(folder, lambda entry: bool(ours.fullmatch(entry.name)))


def find_unfinished_bentos(bentoml: Path) -> Iterator[Found]:
    """Yields what BentoML was building, in its home.

    Raises:
      UnsureError: the folder cannot be read, or is a link.
    """
    yield from _folders(bentoml / "tmp", lambda entry: bool(_BENTO.fullmatch(entry.name)))


def find_offline(folder: Path) -> Iterator[Found]:
    """Yields what `run.py bundle` was filling, beside the archive that it was to become.

    Raises:
      UnsureError: the folder cannot be read.
    """
    yield from _folders(folder, _is_offline)


def output_folders(root: Path) -> set[Path]:
    """Returns where `run.py bundle` is called as a rule: here, in the repository, in the home."""
    return {Path.cwd().resolve(), repository(), root}


def _walk(folder: Path, depth: int) -> Iterator[Found]:
    for entry in list_entries(folder):
        if _PART.fullmatch(entry.name):
            if not entry.is_symlink():
                yield Found("leftover", Path(entry.path), None)
        elif depth and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _walk(Path(entry.path), depth - 1)


def _folders(folder: Path, is_ours: Callable[[os.DirEntry[str]], bool]) -> Iterator[Found]:
    for entry in list_entries(folder):
        if not (entry.name.startswith(ASIDE) or is_ours(entry)):
            continue
        # In the temporary folder there are those of others.
        is_own = entry.stat(follow_symlinks=False).st_uid == os.getuid()
        if is_own and entry.is_dir(follow_symlinks=False):
            yield Found("leftover", Path(entry.path), None)


def _is_offline(entry: os.DirEntry[str]) -> bool:
    if not _OFFLINE.fullmatch(entry.name) or not entry.is_dir(follow_symlinks=False):
        return False
    return {each.name for each in list_entries(Path(entry.path))} <= _IN_OFFLINE
