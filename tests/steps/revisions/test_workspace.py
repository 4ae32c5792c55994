"""What a plain folder says of the workspace it lies in; nothing in it is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steps.revisions import describe_workspace
from tests.corpus import class_folders
from tests.dvc_repositories import (
    Workspace,
    flip_bit,
    git,
    make_workspace,
    state_of,
)
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def described(workspace: Workspace, folder: str = "images") -> dict[str, str]:
    """Describes a folder and asserts that nothing of the workspace changed by it."""
    before = state_of(workspace.root)
    found = describe_workspace(workspace.root / folder)
    assert state_of(workspace.root) == before
    return found


def test_clean_folder(workspace: Workspace) -> None:
    expected = {
        "workspace_commit": workspace.git("rev-parse", "HEAD"),
        "workspace_state": "clean",
        "dir_hash": workspace.git("show", "HEAD:images.dvc").split("md5: ")[1].split()[0],
    }
    assert described(workspace) == expected
    assert described(workspace, "images/cat") == expected
    assert described(workspace, ".") == expected


def test_changes_are_counted(workspace: Workspace) -> None:
    cats = workspace.root / "images" / "cat"
    (cats / "00.png").unlink()
    (cats / "01.png").unlink()
    for name in ("02.png", "03.png", "04.png"):
        flip_bit(cats / name)
    (cats / "new.png").write_bytes(b"new")
    found = described(workspace)
    assert found["workspace_state"] == "modified: 1 added, 3 modified, 2 deleted"
    assert described(workspace, "images/dog")["workspace_state"] == "clean"
    # Added to DVC, but not yet a commit.
    workspace.add("images")
    assert described(workspace)["workspace_state"] == "modified: 1 added, 3 modified, 2 deleted"
    workspace.commit("v3")
    assert described(workspace)["workspace_state"] == "clean"


def test_files_of_git_in_the_folder_count_too(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    data = workspace.root / "data"
    class_folders(data / "images", 2)
    (data / "labels.csv").write_text("path,label\n")
    (data / "classes.csv").write_text("cat\n")
    workspace.add("data/images")
    workspace.commit("v1")
    assert described(workspace, "data")["workspace_state"] == "clean"
    (data / "labels.csv").write_text("path,label\na,b\n")
    (data / "classes.csv").unlink()
    (data / "more.csv").write_text("new")
    assert (
        described(workspace, "data")["workspace_state"]
        == "modified: 1 added, 1 modified, 1 deleted"
    )


def test_the_table_counts_wherever_it_lies(workspace: Workspace) -> None:
    table = workspace.root / "labels.csv"
    table.write_text("path,label\n")
    images = workspace.root / "images"
    state = describe_workspace(images, table)["workspace_state"]
    assert state == "modified: 1 added, 0 modified, 0 deleted"
    workspace.commit("v3")
    assert describe_workspace(images, table)["workspace_state"] == "clean"
    table.write_text("path,label\ncat/00.png,cat\n")
    state = describe_workspace(images, table)["workspace_state"]
    assert state == "modified: 0 added, 1 modified, 0 deleted"
    inside = images / "labels.csv"
    inside.write_text("")
    state = describe_workspace(images, inside)["workspace_state"]
    assert state == "modified: 1 added, 0 modified, 0 deleted", "counted once"
    elsewhere = workspace.root.parent / "labels.csv"
    elsewhere.write_text("")
    inside.unlink()
    assert describe_workspace(images, elsewhere)["workspace_state"] == "clean"


def test_folder_that_nobody_tracks(workspace: Workspace) -> None:
    class_folders(workspace.root / "other", 1)
    assert described(workspace, "other")["workspace_state"] == "untracked"


def test_ignored_files_are_no_change(workspace: Workspace) -> None:
    (workspace.root / ".dvcignore").write_text("Thumbs.db\n")
    (workspace.root / "images" / "cat" / "Thumbs.db").write_text("x")
    assert described(workspace)["workspace_state"] == "clean"


def test_no_workspace_around(tmp_path: Path, home: Path) -> None:
    assert describe_workspace(class_folders(tmp_path / "images", 1)) == {}
    git(tmp_path, "init", "--quiet")
    assert describe_workspace(tmp_path / "images") == {}


def test_plain_folder_costs_no_import_of_dvc(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from steps.revisions import describe_workspace; "
        "assert describe_workspace(Path(sys.argv[1])) == {}; "
        "print([name for name in sys.modules if name.split('.')[0].startswith('dvc')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=repository(),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"


def test_workspace_without_git_or_commit(tmp_path: Path, home: Path) -> None:
    (tmp_path / "plain" / ".dvc").mkdir(parents=True)
    assert describe_workspace(tmp_path / "plain") == {
        "workspace_commit": "",
        "workspace_state": "unknown: no git repository around it",
        "dir_hash": "",
    }
    workspace = make_workspace(tmp_path / "dvc")
    assert described(workspace, ".")["workspace_state"] == "unknown: git has no commit here"


@pytest.mark.fault
def test_broken_dvc_file_is_told(workspace: Workspace) -> None:
    (workspace.root / "images.dvc").write_text("outs: [")
    workspace.commit("broken")
    state = described(workspace)["workspace_state"]
    assert state.startswith(f"unknown: DVC cannot read {workspace.root} at ")


@pytest.mark.fault
def test_lost_list_of_files_is_told(workspace: Workspace) -> None:
    for path in workspace.root.rglob("*.dir"):
        path.unlink()
    state = described(workspace)["workspace_state"]
    assert state.startswith("unknown: 1 of 1 files of ")
    assert "missing in DVC's cache and the remote was not asked; run dvc fetch" in state
