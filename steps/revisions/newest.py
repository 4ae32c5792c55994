"""The newest revision of a dataset: the head of its branch."""

from __future__ import annotations

from pathlib import Path

from steps.revisions.git import find_commit, first_line, git_output, run_git, without_credentials
from vision.config import DatasetConfig
from vision.errors import DatasetError
from vision.home import folder


def newest_revision(dataset: DatasetConfig) -> DatasetConfig:
    """Returns a dataset section that reads the newest commit instead of a pinned one.

    A branch stands for its head. A tag or commit is replaced by the head of the checkout, of a
    repository elsewhere by that of its default branch. Other sources than ``dvc`` are what they
    are: they are read as they lie there.

    Raises:
      DatasetError: no repository, or it does not answer.
    """
    if dataset.source != "dvc":
        return dataset
    assert dataset.path is not None
    branch = f"refs/heads/{dataset.revision}"
    if Path(dataset.path).expanduser().exists():
        repository, head = find_commit(dataset.path, "HEAD")
        commit = git_output(repository.root, "rev-parse", "--verify", "--quiet", branch) or head
    else:
        commit = _elsewhere(dataset.path, branch)
    return dataset.model_copy(update={"revision": commit})


def _elsewhere(url: str, branch: str) -> str:
    shown = without_credentials(url)
    done = run_git(folder("datasets"), "ls-remote", "--", url, "HEAD", branch)
    if done.returncode != 0:
        reason = without_credentials(first_line(done.stderr))
        raise DatasetError(
            f"The repository {shown} cannot be reached; try: git ls-remote {shown} ({reason})"
        )
    listed = {name: commit for commit, name in map(str.split, done.stdout.splitlines())}
    commit = listed.get(branch) or listed.get("HEAD")
    if commit is None:
        raise DatasetError(
            f"{shown} has no default branch; set dataset.revision to a branch that git ls-remote "
            "lists."
        )
    return commit
