"""The files of a revision that git itself keeps, for example a list of images beside a folder."""

from __future__ import annotations

import hashlib
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from steps.revisions.git import first_line, git_environment, run_git
from vision.errors import DatasetError

# git cat-file --batch answers "<object> <type> <length>", or "<object> missing".
_HEADER_WORDS = 3
# Modes of plain files; the others are links and submodules.
_FILES = ("100644", "100755")


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file that git tracks: its path from the repository's root and its object."""

    path: str
    blob: str


def list_files(root: Path, commit: str, below: str) -> list[GitFile]:
    """Returns the plain files that git tracks below a folder, or the file itself that is named.

    Links and submodules are left out.

    Raises:
      DatasetError: git cannot list them.
    """
    arguments = ["ls-tree", "-r", "-z", "--full-tree", commit, *([below] if below else [])]
    done = run_git(root, *arguments)
    if done.returncode != 0:
        raise DatasetError(f"git cannot list {root} at {commit[:8]}: {first_line(done.stderr)}")
    files = []
    for entry in filter(None, done.stdout.split("\0")):
        facts, path = entry.split("\t", 1)
        mode, _, blob = facts.split(" ")
        if mode in _FILES:
            files.append(GitFile(path, blob))
    return files


def read_blobs(root: Path, blobs: Sequence[str]) -> Iterator[bytes | None]:
    """Yields the bytes of each object in order, None for one that is missing or damaged."""
    remaining = deque(blobs)
    while remaining:
        # git ends at a damaged object; another process then reads the ones after it.
        yield from _read_until_damaged(root, remaining)


def _read_until_damaged(root: Path, remaining: deque[str]) -> Iterator[bytes | None]:
    with subprocess.Popen(
        ["git", "-C", str(root), "cat-file", "--batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=git_environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while remaining:
            blob = remaining.popleft()
            process.stdin.write(f"{blob}\n".encode())
            process.stdin.flush()
            header = process.stdout.readline().split()
            if len(header) != _HEADER_WORDS:
                yield None
                if not header:
                    return
                continue
            data = process.stdout.read(int(header[2]) + 1)[:-1]
            yield data if _is_blob(data, blob) else None


def _is_blob(data: bytes, blob: str) -> bool:
    digest = hashlib.new("sha1" if len(blob) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % len(data))
    digest.update(data)
    return digest.hexdigest() == blob
