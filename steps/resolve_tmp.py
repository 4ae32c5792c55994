"""The only door to DVC: a revision of a dataset becomes a folder.

The revision is resolved to a commit before anything else is read, and everything is read at that
commit, into a folder of the project's own. The user's checkout is never touched, so local changes
are safe and two pipelines may read two revisions at once. DVC is imported when something has to
be fetched and not before.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vision.config import DatasetConfig
from vision.datasets import dataset_digest
from vision.datasets.passes import map_images
from vision.datasets.whole_folder import whole_folder
from vision.environment import prepare
from vision.errors import DatasetError
from vision.home import folder

if TYPE_CHECKING:
    from dvc.api import DVCFileSystem

_IS_URL = re.compile(r"^(\w+://|[\w.-]+@[\w.-]+:)")
_MOST_NAMES = 5


@dataclass(frozen=True)
class ResolvedDataset:
    """A dataset revision as a folder.

    Attributes:
      folder: the dataset's files at ``commit``; nothing else writes there.
      commit: 40 hex digits of the git commit that the revision named.
      original: the configuration that asked for it.
    """

    folder: Path
    commit: str
    original: DatasetConfig

    @property
    def config(self) -> DatasetConfig:
        """The configuration that reads the folder, for ``load_annotations``."""
        changes = {"source": "folder", "path": str(self.folder), "revision": None, "subfolder": "."}
        return DatasetConfig.model_validate({**self.original.model_dump(), **changes})

    @property
    def source(self) -> dict[str, str]:
        """Where the images come from, for the annotation table."""
        return {
            "kind": "dvc",
            "path": str(self.original.path),
            "subfolder": self.original.subfolder,
            "revision": str(self.original.revision),
            "commit": self.commit,
        }

    @cached_property
    def digest(self) -> str:
        """The dataset digest for a step's cache key."""
        return dataset_digest(self.config)


def resolve_revision(dataset: DatasetConfig) -> ResolvedDataset:
    """Resolves a revision and fetches the files that it tracks, unless they are here already.

    Files lie under ``home()/datasets/dvc/<commit>/``. Each is checked against the MD5 that its
    revision recorded, since DVC hands out a damaged cache entry without a word.

    Args:
      dataset: a section with source ``dvc``.

    Raises:
      DatasetError: no repository, no such revision, or files that are missing or damaged.
    """
    prepare()
    if dataset.source != "dvc" or not dataset.path or not dataset.revision:
        raise DatasetError(f"Only source dvc has revisions; dataset.source is {dataset.source}.")
    if ".." in PurePosixPath(dataset.subfolder).parts:
        raise DatasetError(f"dataset.subfolder {dataset.subfolder} must lie inside the repository.")
    is_url = bool(_IS_URL.match(dataset.path))
    place = dataset.path if is_url else str(Path(dataset.path).expanduser().resolve())
    commit = _remote_commit(place, dataset.revision) if is_url else _commit(place, dataset.revision)
    name = "_root" if dataset.subfolder == "." else dataset.subfolder.strip("/").replace("/", "__")
    target = folder("datasets") / "dvc" / commit / name
    if not target.is_dir():
        _fetch(place, commit, dataset.subfolder, target)
    return ResolvedDataset(target, commit, dataset)


def _commit(place: str, revision: str) -> str:
    """Returns the commit that a revision of a local repository names."""
    if not Path(place).is_dir():
        raise DatasetError(f"dataset.path {place} does not exist; give a git repository with DVC.")
    if _git("-C", place, "rev-parse", "--git-dir") is None:
        raise DatasetError(f"{place} is no git repository; run git init and dvc init there.")
    commit = _git("-C", place, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit is None:
        tags = (_git("-C", place, "tag", "--sort=-creatordate") or "").split()
        known = f"its tags are {', '.join(tags[:_MOST_NAMES])}" if tags else "it has no tags"
        raise DatasetError(
            f"{place} has no revision {revision!r}; {known}. Give a tag, branch or commit."
        )
    return commit


def _remote_commit(url: str, revision: str) -> str:
    """Returns the commit that a revision of a repository elsewhere names."""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    names = (f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}", f"refs/heads/{revision}")
    listing = _git("ls-remote", url, *names)
    if listing is None:
        raise DatasetError(f"The repository {url} cannot be reached; try: git ls-remote {url}")
    found = {name: commit for commit, name in map(str.split, listing.splitlines())}
    for name in names:
        if name in found:
            return found[name]
    raise DatasetError(
        f"{url} has no tag or branch {revision!r}; give one that git ls-remote lists, or a commit."
    )


def _git(*arguments: str) -> str | None:
    """Returns what git prints, or None where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _fetch(place: str, commit: str, subfolder: str, target: Path) -> None:
    """Writes the tracked files to a draft that becomes ``target`` once all of them are right."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    try:
        files = DVCFileSystem(place, rev=commit)
        start, listed = _list(files, subfolder, f"{place} at {commit[:8]}")
    except (DvcException, OSError) as error:
        raise DatasetError(
            f"The files of {place} at {commit[:8]} cannot be listed: {error}. Check that dvc pull "
            "works in a clone of it."
        ) from error
    with whole_folder(target) as draft:
        _download(files, start, listed, draft)


def _list(files: DVCFileSystem, subfolder: str, where: str) -> tuple[str, dict[str, str]]:
    """Returns the folder to read, and each file below it with its recorded MD5 ("" under git)."""
    start = str(PurePosixPath("/", subfolder))
    # At the root, git's own files (.dvc files, README) are no part of the dataset.
    is_root = start == "/"
    found = files.find(start, detail=True, dvc_only=is_root)
    if not found:
        folders = sorted({PurePosixPath(path).parts[1] for path in files.find("/", dvc_only=True)})
        tracked = ", ".join(folders[:_MOST_NAMES]) or "nothing; run dvc add"
        raise DatasetError(
            f"{where} has no files in {subfolder!r}; set dataset.subfolder. DVC tracks {tracked}."
        )
    tops = {PurePosixPath(path).parts[1] for path in found} if is_root else set()
    if len(tops) == 1 and files.isdir(f"/{min(tops)}"):
        start = f"/{min(tops)}"
    return start, {path: info.get("md5") or "" for path, info in found.items()}


def _download(files: DVCFileSystem, start: str, listed: dict[str, str], draft: Path) -> None:
    from dvc.exceptions import DvcException

    def get(path: str) -> str | None:
        if ".." in PurePosixPath(path).parts:
            return f"{path} (it leads out of the dataset)"
        target = draft / PurePosixPath(path).relative_to(start)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            files.get_file(path, str(target))
        except (DvcException, OSError) as error:
            return f"{path.strip('/')} ({error})"
        recorded = listed[path]
        if recorded and _md5(target) != recorded:
            return f"{path.strip('/')} (its bytes are not those that were added)"
        return None

    bad = [problem for problem in map_images(get, list(listed), "fetching files") if problem]
    if bad:
        shown = "; ".join(bad[:_MOST_NAMES])
        raise DatasetError(
            f"{len(bad):,} of {len(listed):,} files are missing or damaged in DVC's cache and "
            f"remotes: {shown}. Run dvc push where the files are whole, then try again."
        )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
