"""Says what a plain folder is that lies in a workspace of git and DVC; changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from steps.revisions.blobs import list_files
from steps.revisions.dvc_repository import DvcRevision, walk_workspace
from steps.revisions.files import (
    DvcOutput,
    Selection,
    TrackedFile,
    dir_hash_of,
    is_housekeeping,
)
from steps.revisions.git import GitRepository, dvc_root, git_output
from steps.revisions.objects import Objects, true_md5
from vision.datasets.object_store import ObjectStore
from vision.datasets.passes import map_images
from vision.environment import prepare
from vision.errors import DatasetError
from vision.home import folder as home_folder


def describe_workspace(folder: Path, table: Path | None = None) -> dict[str, str]:
    """Compares a folder with the commit that its workspace is at.

    Every file is read, none is written, and git's index is left as it is.

    Args:
      folder: a folder of images.
      table: the file that lists them, which may lie elsewhere in the workspace.

    Returns:
      nothing where no DVC workspace is around the folder; else ``workspace_commit``, ``dir_hash``
      (as that commit has it) and ``workspace_state``: ``clean``, ``untracked``, ``modified: 1
      added, 2 modified, 0 deleted``, or why that cannot be told.
    """
    place = folder.expanduser().resolve()
    root = dvc_root(place)
    if root is None:
        return {}
    commit = git_output(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    top = git_output(root, "rev-parse", "--show-toplevel")
    if commit is None or top is None:
        state = "unknown: git has no commit here" if top else "unknown: no git repository around it"
        return {"workspace_commit": "", "workspace_state": state, "dir_hash": ""}
    prepare()
    try:
        listed = [] if table is None else [table.expanduser().resolve()]
        places = [place, *(p for p in listed if _is_apart(p, place, Path(top).resolve()))]
        state, dir_hash = _compare(places, root, Path(top), commit)
    except (DatasetError, OSError) as error:
        state, dir_hash = f"unknown: {error}", ""
    return {"workspace_commit": commit, "workspace_state": state, "dir_hash": dir_hash}


def _is_apart(table: Path, folder: Path, top: Path) -> bool:
    return table.is_relative_to(top) and not table.is_relative_to(folder)


def _compare(places: list[Path], root: Path, top: Path, commit: str) -> tuple[str, str]:
    """Returns the state of a folder and a table, and the hash that the folder's commit recorded."""
    prefix = root.relative_to(top.resolve()).as_posix()
    git = GitRepository(top, "" if prefix == "." else prefix, str(root), is_bare=False)
    objects = Objects(ObjectStore(home_folder("datasets") / "objects"), DvcRevision(git, commit))
    objects.offline = "the remote was not asked; run dvc fetch"
    compared = [_compare_one(place, root, objects) for place in places]
    outputs = compared[0].outputs
    if not any(each.is_tracked for each in compared):
        return "untracked", ""
    added, modified, deleted = (
        sum(getattr(each, name) for each in compared) for name in ("added", "modified", "deleted")
    )
    if not added + modified + deleted:
        return "clean", dir_hash_of(outputs)
    counts = f"{added:,} added, {modified:,} modified, {deleted:,} deleted"
    return f"modified: {counts}", dir_hash_of(outputs)


@dataclass(frozen=True)
class _Compared:
    """How a place differs from its commit."""

    outputs: list[DvcOutput]
    is_tracked: bool
    added: int = 0
    modified: int = 0
    deleted: int = 0


def _compare_one(place: Path, root: Path, objects: Objects) -> _Compared:
    top, commit = objects.revision.git.root, objects.revision.commit
    below = place.relative_to(top.resolve()).as_posix()
    selection = Selection("" if below == "." else below, only_dvc=False)
    outputs = selection.outputs(objects.revision.outputs)
    tracked = [
        file for output in outputs for file in selection.dvc_files(output, objects.manifest(output))
    ]
    in_git = {file.path for file in list_files(top, commit, selection.below)}
    files = walk_workspace(root, place) if place.is_dir() else iter([place])
    here = {path.relative_to(top).as_posix() for path in files}
    known = {file.path for file in tracked} | in_git
    of_git = _changed_in_git(top, selection.below)
    n_deleted = of_git.count("D")
    return _Compared(
        outputs,
        bool(known),
        added=sum(path not in known and not is_housekeeping(path) for path in here),
        modified=_n_modified(top, [file for file in tracked if file.path in here])
        + len(of_git)
        - n_deleted,
        deleted=sum(file.path not in here for file in tracked) + n_deleted,
    )


def _n_modified(top: Path, files: list[TrackedFile]) -> int:
    def is_modified(file: TrackedFile) -> bool:
        return not true_md5(top / file.path, file)

    return sum(map_images(is_modified, files, "comparing files"))


def _changed_in_git(top: Path, below: str) -> list[str]:
    """Returns a letter for each file under git that was modified or deleted since the commit."""
    # Unlike other reading commands, git diff writes the index after it found files untouched.
    command = ("-c", "diff.autoRefreshIndex=false", "diff", "--name-status", "-z", "--no-renames")
    changed = git_output(top, *command, "HEAD", "--", below or ".")
    words: Iterable[str] = (changed or "").split("\0")
    letters = iter(words)
    return [
        letter
        for letter, path in zip(letters, letters, strict=False)
        if not is_housekeeping(path) and letter != "A"
    ]
