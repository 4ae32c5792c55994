"""What no revision is made of: each refusal comes before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steps.revisions import commit_revision
from tests.corpus import class_folders
from tests.dvc_repositories import (
    Workspace,
    git,
    make_workspace,
    state_of,
)
from tests.steps.revisions.committing import add_image, images, refused

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_name_with_a_line_break_is_refused(workspace: Workspace) -> None:
    folder = class_folders(workspace.root / "two\nlines", 2)
    before = (workspace.root / ".gitignore").read_bytes()
    assert refused(folder) == (
        "The name 'two\\nlines' has a line break, which .gitignore cannot hold; rename the folder."
    )
    assert (workspace.root / ".gitignore").read_bytes() == before


def test_detached_head_needs_a_tag(workspace: Workspace) -> None:
    workspace.git("checkout", "--quiet", "--detach")
    add_image(workspace)
    before = state_of(workspace.root)
    assert refused(images(workspace)) == (
        f"{images(workspace)} is at a detached HEAD, so no branch would hold the commit; give it a "
        "tag (--tag), or switch to a branch first: git switch NAME."
    )
    assert state_of(workspace.root) == before
    made = commit_revision(images(workspace), "more", "v3", push=False)
    assert workspace.git("rev-parse", "v3^{commit}") == made.commit


def test_folder_without_git_or_dvc(tmp_path: Path, home: Path) -> None:
    folder = class_folders(tmp_path / "plain" / "images", 2)
    assert refused(folder) == (
        f"{folder} is in no git repository; run git init and dvc init above it."
    )
    git(folder.parent, "init", "--quiet")
    assert refused(folder) == f"{folder.parent} has no DVC; run dvc init there."
    assert refused(tmp_path / "none") == f"{tmp_path}/none is no folder; give the folder of images."


def test_folder_that_git_tracks(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    class_folders(images(workspace), 2)
    workspace.commit("v1")
    assert refused(images(workspace)) == (
        f"git tracks files in {images(workspace)}; run git rm -r --cached {images(workspace)} "
        "first, which keeps the files."
    )


def test_part_of_a_tracked_folder(workspace: Workspace) -> None:
    assert refused(images(workspace) / "cat") == (
        f"{images(workspace)}/cat is a part of {images(workspace)}, which DVC tracks whole; commit "
        "that."
    )


def test_message_and_tag_are_checked_before_anything_is_done(workspace: Workspace) -> None:
    add_image(workspace)
    before = state_of(workspace.root)
    assert refused(images(workspace), " \n") == (
        "The message is empty; say in a few words what is new."
    )
    taken = workspace.git("rev-parse", "--short=8", "v1")
    assert refused(images(workspace), tag="v1") == (
        f"The tag v1 exists already, at {taken}; choose another one."
    )
    for tag in ("--delete", "a b", "a..b", ""):
        assert refused(images(workspace), tag=tag) == (
            f"git takes no tag of the name {tag!r}; use letters, digits, dots, dashes."
        )
    assert state_of(workspace.root) == before


def test_nobody_commits(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(workspace.root.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    workspace.git("config", "user.useConfigOnly", "true")
    assert refused(images(workspace)) == (
        "git does not know who you are; run git config user.name NAME and git config user.email "
        "ADDRESS."
    )


def test_push_without_a_remote(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc", remote="")
    class_folders(images(workspace), 2)
    assert refused(images(workspace), push=True) == (
        f"{workspace.root} has no default DVC remote to push to; run dvc remote add -d NAME URL."
    )
    assert not (workspace.root / "images.dvc").exists()
