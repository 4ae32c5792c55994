"""What a dataset revision needs of git: the repository, and the commit that it names.

The user's checkout is only read: no command here writes its index, its branches or its files.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vision.datasets.whole_folder import whole_folder
from vision.errors import DatasetError
from vision.home import folder

_IS_URL = re.compile(r"^(\w+://|[\w.-]+@[\w.-]+:)")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@|^[\w.-]+(:[^@\s/]*)?@(?=[\w.-]+:)")
_QUERY = re.compile(r"(\w+://[^\s?#]*)[?#]\S*")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")
_MOST_NAMES = 5
# Set by git for its hooks; they would redirect every command here to the hook's repository.
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def without_credentials(text: str) -> str:
    """Returns a URL, or a text with URLs in it, without users, passwords, tokens and queries."""
    return _QUERY.sub(r"\1", _CREDENTIALS.sub("", text))


@dataclass(frozen=True)
class GitRepository:
    """A git repository on this machine.

    Attributes:
      root: the top of the checkout; for a clone of ours its folder.
      prefix: the folder below the root that ``dataset.path`` names, ``""`` for the root.
      shown: what the user gave, without credentials.
      is_bare: whether it has no checkout, as our own clones of repositories elsewhere.
    """

    root: Path
    prefix: str
    shown: str
    is_bare: bool


def run_git(
    place: Path | str, *arguments: str, locks: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs git in a folder without ever asking anybody anything.

    Args:
      place: the folder.
      arguments: the command.
      locks: whether it may take locks, for commands that write.

    Raises:
      DatasetError: git is not installed.
    """
    try:
        return subprocess.run(
            ["git", "-C", str(place), *arguments],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            env=git_environment(locks),
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise DatasetError("Dataset revisions need git, which is not on the PATH.") from error


def git_environment(locks: bool = False) -> dict[str, str]:
    """Returns the environment in which git asks nothing and, unless it may lock, only reads."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
    return {**kept, **quiet, **({} if locks else {"GIT_OPTIONAL_LOCKS": "0"})}


def git_output(place: Path | str, *arguments: str) -> str | None:
    """Returns what a reading git command prints, or None where it fails."""
    done = run_git(place, *arguments)
    return done.stdout.strip() if done.returncode == 0 else None


def find_commit(path: str, revision: str) -> tuple[GitRepository, str]:
    """Returns the repository of ``dataset.path`` and the commit that a revision of it names.

    Raises:
      DatasetError: no repository there, or it has no such revision.
    """
    if revision.startswith("-"):
        raise DatasetError(
            f"dataset.revision {revision!r} begins with a dash, as no tag or branch does; give a "
            "tag, branch or commit."
        )
    if _IS_URL.match(path):
        return _find_elsewhere(path, revision)
    place = Path(path).expanduser().resolve()
    repository = _open(place)
    commit = _commit(repository.root, revision)
    if commit is None:
        raise _unknown(repository, revision)
    return repository, commit


def _open(place: Path) -> GitRepository:
    if not place.is_dir():
        raise DatasetError(f"dataset.path {place} does not exist; give a git repository with DVC.")
    top = run_git(place, "rev-parse", "--show-toplevel")
    if top.returncode == 0:
        root = Path(top.stdout.removesuffix("\n"))
        prefix = place.relative_to(root.resolve()).as_posix()
        return GitRepository(root, "" if prefix == "." else prefix, str(place), is_bare=False)
    if git_output(place, "rev-parse", "--is-bare-repository") == "true":
        return GitRepository(place, "", str(place), is_bare=True)
    if (place / ".git").exists():
        raise DatasetError(f"git does not read {place}: {first_line(top.stderr)}")
    raise DatasetError(f"{place} is no git repository; run git init and dvc init there.")


def _commit(root: Path, revision: str) -> str | None:
    return git_output(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")


def _unknown(repository: GitRepository, revision: str) -> DatasetError:
    tags = (git_output(repository.root, "tag", "--sort=-creatordate") or "").split()
    known = f"its tags are {', '.join(tags[:_MOST_NAMES])}" if tags else "it has no tags"
    return DatasetError(
        f"{repository.shown} has no revision {revision!r}; {known}. Give a tag, branch or commit."
    )


def _find_elsewhere(url: str, revision: str) -> tuple[GitRepository, str]:
    """Finds a commit of a repository elsewhere in a bare clone of it that is kept and renewed."""
    shown = without_credentials(url)
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    clone = folder("datasets") / "git" / name
    commit = revision if _COMMIT.fullmatch(revision) else _listed(url, revision, shown)
    if not clone.is_dir():
        with whole_folder(clone) as draft:
            _checked(run_git(draft, "clone", "--quiet", "--bare", "--", url, "."), shown)
            # The address may hold a token, which belongs into no file of ours.
            run_git(draft, "config", "--remove-section", "remote.origin", locks=True)
    repository = GitRepository(clone, "", shown, is_bare=True)
    found = _commit(clone, commit)
    if found is None:
        renewed = run_git(clone, "fetch", "--quiet", "--tags", url, "+refs/heads/*:refs/heads/*")
        found = _commit(clone, commit)
        # Of two that renew one clone at once, git stops the slower; the commit is there for both.
        if found is None:
            _checked(renewed, shown)
            raise _unknown(repository, revision)
    return repository, found


def _listed(url: str, revision: str, shown: str) -> str:
    """Returns the commit of a tag or branch, and a shortened commit as it is."""
    names = (f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}")
    done = _checked(run_git(folder("datasets"), "ls-remote", "--", url, *names), shown)
    found = {name: commit for commit, name in map(str.split, done.stdout.splitlines())}
    for name in names:
        if name in found:
            return found[name]
    if _SHORT_COMMIT.fullmatch(revision):
        return revision
    raise DatasetError(
        f"{shown} has no tag or branch {revision!r}; give one that git ls-remote lists, or a "
        "commit."
    )


def _checked(
    done: subprocess.CompletedProcess[str], shown: str
) -> subprocess.CompletedProcess[str]:
    if done.returncode != 0:
        reason = without_credentials(first_line(done.stderr))
        raise DatasetError(
            f"The repository {shown} cannot be reached; try: git ls-remote {shown} ({reason})"
        )
    return done


def dvc_root(folder: Path) -> Path | None:
    """Returns the nearest folder upwards that holds ``.dvc``, None where there is none."""
    for candidate in (folder, *folder.parents):
        if (candidate / ".dvc").is_dir():
            return candidate
    return None


def no_dvc(repository: GitRepository, commit: str, where: str, subfolder: str) -> DatasetError:
    """Returns the error for a folder that has no DVC at a commit: a folder above it may have it.

    Args:
      repository: its ``prefix`` is the folder.
      commit: hex digits.
      where: both in a few words.
      subfolder: what is asked for below the folder.
    """
    for above in PurePosixPath(repository.prefix).parents:
        config = above / ".dvc" / "config"
        if git_output(repository.root, "cat-file", "-e", f"{commit}:{config}") is not None:
            inside = PurePosixPath(repository.prefix, subfolder).relative_to(above)
            path = repository.root / above
            return DatasetError(
                f"{where} lies inside the DVC repository {path}; set dataset.path to {path} and "
                f"dataset.subfolder to {inside}."
            )
    return DatasetError(
        f"{where} has no DVC; run dvc init and dvc add there, commit, and name that revision."
    )


def first_line(text: str) -> str:
    """Returns the first line that says something, for a message of one sentence."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
