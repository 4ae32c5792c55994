"""Making a revision: what is committed, what stays as it was, and each refusal."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from steps.revisions import CommittedRevision, commit_revision, resolve_revision
from tests.corpus import class_folders
from tests.dvc_repositories import (
    Workspace,
    flip_bit,
    make_workspace,
    state_of,
)
from tests.steps.revisions.committing import add_image, images, refused

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_new_revision_is_a_commit_a_tag_and_files_in_the_remote(workspace: Workspace) -> None:
    add_image(workspace)
    made = commit_revision(images(workspace), "One more cat", "v3", push=True)
    assert made == CommittedRevision(
        workspace.git("rev-parse", "v3^{commit}"),
        "v3",
        workspace.git("show", "v3:images.dvc").split("md5: ")[1].split()[0],
        26,
        f"store {workspace.store}",
    )
    assert workspace.git("show", "--format=%s", "--name-only", "HEAD") == (
        "One more cat\n\nimages.dvc"
    )
    assert workspace.pushed("images/cat/more.png").is_file()
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    resolved = resolve_revision(workspace.section("v3"))
    assert (resolved.commit, resolved.n_files) == (made.commit, 26)


def test_summary_names_commit_tag_files_and_remote() -> None:
    made = CommittedRevision("0a" * 20, "v3", "1b.dir", 26, "store s3://bucket/store")
    assert (
        made.summary
        == f"26 files committed as {'0a' * 20}, tag v3\npushed to store s3://bucket/store"
    )
    bare = CommittedRevision("0a" * 20, None, "1b.dir", 1, "")
    assert bare.summary == (
        f"1 file committed as {'0a' * 20}, without a tag\nnot pushed; run dvc push"
    )


@pytest.mark.parametrize("name", ["[x]", "#h", "a!b*", "q?", "back\\slash"])
def test_folder_whose_name_is_a_pattern(tmp_path: Path, home: Path, name: str) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    workspace.commit("start")
    folder = class_folders(workspace.root / name, 2)
    commit_revision(folder, "First", None, push=False)
    assert workspace.git("status", "--porcelain") == ""
    assert refused(folder) == f"Nothing in {folder} has changed since the last commit."


def test_first_revision_ignores_the_folder_in_git(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    workspace.commit("start")
    class_folders(images(workspace), 2)
    made = commit_revision(images(workspace), "First", None, push=False)
    assert (made.tag, made.n_files, made.pushed_to) == (None, 4, "")
    assert workspace.git("show", "--format=", "--name-only", "HEAD").split() == [
        ".gitignore",
        "images.dvc",
    ]
    assert workspace.git("status", "--porcelain") == ""
    assert not workspace.store.exists()


def test_everything_else_in_the_checkout_stays(workspace: Workspace) -> None:
    (workspace.root / "staged.txt").write_text("staged")
    (workspace.root / "both.txt").write_text("staged")
    workspace.git("add", "staged.txt", "both.txt")
    (workspace.root / "both.txt").write_text("staged, then changed")
    (workspace.root / "loose.txt").write_text("untracked")
    with (workspace.root / ".gitignore").open("a") as ignored:
        ignored.write("*.tmp\n")
    status = workspace.git("status", "--porcelain")
    add_image(workspace)
    before = state_of(images(workspace))
    commit_revision(images(workspace), "more", "v3", push=False)
    assert workspace.git("status", "--porcelain") == status
    assert workspace.git("show", "--format=", "--name-only", "HEAD") == "images.dvc"
    assert workspace.git("diff", "--cached", "--name-only").split() == ["both.txt", "staged.txt"]
    assert {k: v[0] for k, v in state_of(images(workspace)).items()} == {
        k: v[0] for k, v in before.items()
    }


def test_nothing_new_is_no_revision(workspace: Workspace) -> None:
    head = workspace.git("rev-parse", "HEAD")
    expected = f"Nothing in {images(workspace)} has changed since the last commit."
    assert refused(images(workspace)) == expected
    assert refused(images(workspace), tag="v3") == f"{expected} To name that one, run git tag v3."
    assert workspace.git("rev-parse", "HEAD") == head


@pytest.mark.security
def test_pipes_and_links_that_lead_out_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    odd = images(workspace) / "cat" / "odd.png"
    odd.symlink_to(tmp_path / "secret")
    assert refused(images(workspace)) == (
        f"{odd} is a link that leads out of the folder; remove it, then commit again."
    )
    odd.unlink()
    os.mkfifo(odd)
    assert refused(images(workspace)) == f"{odd} is no plain file; remove it, then commit again."
    odd.unlink()
    # As dvc add leaves it with cache.type symlink.
    image = images(workspace) / "cat" / "00.png"
    entry = workspace.entry("images/cat/00.png")
    image.unlink()
    image.symlink_to(entry)
    add_image(workspace)
    assert commit_revision(images(workspace), "more", None, push=False).n_files == 26
    empty = workspace.root / "empty"
    empty.mkdir()
    assert refused(empty) == f"{empty} has no files; there is nothing to commit."


@pytest.mark.fault
def test_refused_commit_loses_nothing(workspace: Workspace) -> None:
    add_image(workspace)
    hook = workspace.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    head = workspace.git("rev-parse", "HEAD")
    before = {k: v[0] for k, v in state_of(images(workspace)).items()}
    assert refused(images(workspace)) == (
        f"dvc add of {images(workspace)} is done, git commit of images.dvc failed: not today. The "
        "files are as they were; put that right and commit again."
    )
    assert workspace.git("rev-parse", "HEAD") == head
    assert {k: v[0] for k, v in state_of(images(workspace)).items()} == before
    hook.unlink()
    assert commit_revision(images(workspace), "more", "v3", push=False).n_files == 26


@pytest.mark.fault
def test_remote_that_is_down_leaves_the_commit(workspace: Workspace) -> None:
    add_image(workspace)
    config = workspace.root / ".dvc" / "config.local"
    config.write_text(config.read_text().replace(str(workspace.store), "ssh://127.0.0.1:1/store"))
    message = refused(images(workspace), tag="v3", push=True)
    commit = workspace.git("rev-parse", "--short=8", "v3^{commit}")
    assert message.startswith(
        f"The revision is committed as {commit}, its files are not pushed: The DVC remote store "
        "ssh://127.0.0.1:1/store cannot be reached ("
    )
    assert message.endswith(f"Then run dvc push {workspace.root}/images.dvc.")


@pytest.mark.fault
def test_damaged_entry_of_the_cache_does_not_become_the_revision(workspace: Workspace) -> None:
    add_image(workspace)
    workspace.add("images")
    entry = workspace.entry("images/cat/more.png")
    flip_bit(entry)
    entry.chmod(0o444)
    commit_revision(images(workspace), "more", "v3", push=True)
    good = (images(workspace) / "cat" / "more.png").read_bytes()
    assert entry.read_bytes() == good
    assert workspace.pushed("images/cat/more.png").read_bytes() == good


@pytest.mark.fault
def test_damaged_list_of_files_in_the_cache_is_named(workspace: Workspace) -> None:
    add_image(workspace)
    workspace.add("images")
    dir_hash = (workspace.root / "images.dvc").read_text().split("md5: ")[1].split()[0]
    flip_bit(entry := workspace.cached(dir_hash))
    entry.chmod(0o444)
    head = workspace.git("rev-parse", "HEAD")
    assert refused(images(workspace)) == (
        f"{entry} in DVC's cache is damaged; remove it and commit again. The files are as they "
        "were."
    )
    assert workspace.git("rev-parse", "HEAD") == head
    entry.unlink()
    assert commit_revision(images(workspace), "more", None, push=False).n_files == 26
