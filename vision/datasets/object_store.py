"""A content-addressed store of files: each lies under its own MD5, once for all who share it.

``root/<first two hex digits>/<the rest>``, read-only. A file enters only if its bytes hash to its
name, and appears whole or not at all, so that any number of processes may write at once. MD5 is
DVC's choice: it finds damage, it is no defence against a forger.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_READ_ONLY = 0o444
_BLOCK_BYTES = 1 << 20
_DRAFTS = ".drafts"
# No file takes a day to arrive: an older draft was left behind by a process that was killed.
_OLDEST_DRAFT_S = 86_400.0
_MD5 = re.compile(r"[0-9a-f]{32}")


def is_md5(text: str) -> bool:
    """Whether ``text`` is an MD5 in 32 lower-case hex digits, and so safe as a file name."""
    return bool(_MD5.fullmatch(text))


def md5_of(path: Path) -> str:
    """Returns the MD5 of a file's bytes as 32 hex digits.

    Raises:
      OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, _new_md5).hexdigest()


def _new_md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


class ObjectStore:
    """A folder of files by MD5.

    Attributes:
      root: where it lies; made when the first file enters.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, md5: str) -> Path:
        """Returns where the file with this MD5 lies, or would lie.

        Raises:
          ValueError: that is no MD5, and could lead anywhere.
        """
        if not is_md5(md5):
            raise ValueError(f"{md5!r} is no MD5 in 32 hex digits")
        return self.root / md5[:2] / md5[2:]

    def is_right(self, md5: str) -> bool:
        """Reads the file: whether it is here and its bytes are those of its name."""
        try:
            return md5_of(self.path(md5)) == md5
        except FileNotFoundError:
            return False

    def add(self, source: Path, md5: str) -> bool:
        """Copies a file in, replacing a damaged one; False where its bytes hash to another MD5.

        Raises:
          OSError: the source cannot be read, or the store cannot be written.
        """
        with self.draft() as draft:
            digest = _new_md5()
            with source.open("rb") as reader, draft.open("wb") as writer:
                while block := reader.read(_BLOCK_BYTES):
                    digest.update(block)
                    writer.write(block)
            return digest.hexdigest() == md5 and self._enter(draft, md5)

    def add_bytes(self, data: bytes) -> str:
        """Writes a file of these bytes unless it is here and right; returns its MD5."""
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if not self.is_right(md5):
            with self.draft() as draft:
                draft.write_bytes(data)
                self._enter(draft, md5)
        return md5

    def take(self, draft: Path, md5: str) -> None:
        """Moves a finished draft in; the caller has hashed it."""
        self._enter(draft, md5)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Gives the path of a file to write; what was not taken when the block ends is removed."""
        folder = self.root / _DRAFTS
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / uuid.uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def place(self, md5: str, target: Path) -> None:
        """Makes ``target`` the file with this MD5: a hard link, or a copy where links fail.

        What is there already is replaced in one move; the folder above it must exist.

        Raises:
          OSError: it cannot be written.
        """
        source = self.path(md5)
        try:
            os.link(source, target)
        except FileExistsError:
            self._replace(source, target)
        except OSError:
            _copy(source, target)

    def remove_old_drafts(self) -> None:
        """Removes the drafts of processes that were killed more than a day ago."""
        oldest = time.time() - _OLDEST_DRAFT_S
        for draft in (self.root / _DRAFTS).glob("*"):
            try:
                if draft.stat().st_mtime < oldest:
                    draft.unlink()
            except FileNotFoundError:
                continue

    def _enter(self, draft: Path, md5: str) -> bool:
        draft.chmod(_READ_ONLY)
        target = self.path(md5)
        try:
            draft.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        return True

    def _replace(self, source: Path, target: Path) -> None:
        # A rename between two links to one file does nothing and would leave the draft.
        if not target.is_symlink() and target.samefile(source):
            return
        with self.draft() as draft:
            try:
                os.link(source, draft)
                draft.replace(target)
            except OSError:
                _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name[:100]}-{uuid.uuid4().hex}")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(_READ_ONLY)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
