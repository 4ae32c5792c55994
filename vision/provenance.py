"""Which code made a result: the commit, and the changes that are in no commit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from vision.home import repository

_TIMEOUT_S = 20
_LONGEST_PATCH = 2_000_000


@dataclass(frozen=True)
class CodeVersion:
    """The state of the code.

    Attributes:
      commit: full hash of the checked-out commit; None outside git or before the first commit.
      is_dirty: whether files differ from that commit or are not tracked; None outside git.
      patch: the difference to the commit as ``git diff`` prints it, after one line for each file
        that is not tracked; empty where nothing differs.
    """

    commit: str | None
    is_dirty: bool | None
    patch: str


def read_code_version(root: Path | None = None) -> CodeVersion:
    """Asks git about the code in ``root``, the project's own folder by default.

    Nothing is written, and no lock is taken. Where git is missing or the folder is under no
    version control, everything is unknown; that is an answer, not an error.
    """
    folder = repository() if root is None else root
    status = _git(folder, "status", "--porcelain", "--untracked-files=all")
    if status is None:
        return CodeVersion(commit=None, is_dirty=None, patch="")
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    untracked = [line[3:] for line in status.splitlines() if line.startswith("??")]
    listed = "".join(f"# not tracked: {path}\n" for path in untracked)
    difference = _git(folder, "diff", "HEAD") if commit is not None else ""
    patch = listed + (difference or "")
    return CodeVersion(
        commit=commit.strip() if commit else None,
        is_dirty=bool(status.strip()),
        patch=_shorten(patch),
    )


def _shorten(patch: str) -> str:
    if len(patch) <= _LONGEST_PATCH:
        return patch
    return f"{patch[:_LONGEST_PATCH]}\n# cut here: the patch has {len(patch):,} characters\n"


def _git(folder: Path, *arguments: str) -> str | None:
    """Returns what git prints, or None where it fails or is not installed."""
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), *arguments),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (FileNotFoundError, NotADirectoryError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
