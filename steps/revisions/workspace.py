"""Says what a plain folder is that lies in a workspace of git and DVC; changes nothing in it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from steps.revisions.blobs import list_files
from steps.revisions.dvc_repository import DvcRevision, walk_workspace
from steps.revisions.files import Selection, TrackedFile, dir_hash_of, is_housekeeping
from steps.revisions.git import GitRepository, dvc_root, git_output
from steps.revisions.objects import Objects, true_md5
from vision.datasets.object_store import ObjectStore
from vision.datasets.passes import map_images
from vision.environment import prepare
from vision.errors import DatasetError
from vision.home import folder as home_folder


def describe_workspace(folder: Path) -> dict[str, str]:
    """Compares a folder with the commit that its workspace is at.

    Every file is read, none is written, and git's index is left as it is.

    Args:
      folder: a folder of images.

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
        state, dir_hash = _compare(place, root, Path(top), commit)
    except (DatasetError, OSError) as error:
        state, dir_hash = f"unknown: {error}", ""
    return {"workspace_commit": commit, "workspace_state": state, "dir_hash": dir_hash}


def _compare(place: Path, root: Path, top: Path, commit: str) -> tuple[str, str]:
    """Returns the state of a folder and the hash that its commit recorded."""
    prefix = root.relative_to(top.resolve()).as_posix()
    git = GitRepository(top, "" if prefix == "." else prefix, str(root), is_bare=False)
    objects = Objects(ObjectStore(home_folder("datasets") / "objects"), DvcRevision(git, commit))
    objects.offline = "the remote was not asked; run dvc fetch"
    below = place.relative_to(top.resolve()).as_posix()
    selection = Selection("" if below == "." else below, only_dvc=False)
    outputs = selection.outputs(objects.revision.outputs)
    tracked = [
        file for output in outputs for file in selection.dvc_files(output, objects.manifest(output))
    ]
    in_git = {file.path for file in list_files(top, commit, selection.below)}
    if not tracked and not in_git:
        return "untracked", ""
    here = {path.relative_to(top).as_posix() for path in walk_workspace(root, place)}
    known = {file.path for file in tracked} | in_git
    added = sum(path not in known and not is_housekeeping(path) for path in here)
    deleted = sum(file.path not in here for file in tracked)
    modified = _n_modified(top, [file for file in tracked if file.path in here])
    of_git = _changed_in_git(top, selection.below)
    deleted += of_git.count("D")
    modified += len(of_git) - of_git.count("D")
    if not added + modified + deleted:
        return "clean", dir_hash_of(outputs)
    counts = f"{added:,} added, {modified:,} modified, {deleted:,} deleted"
    return f"modified: {counts}", dir_hash_of(outputs)


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
