"""What cannot be resolved: one clear sentence for each reason, with the next move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.revisions import resolve_revision
from tests.corpus import class_folders
from tests.dvc_repositories import (
    Workspace,
    flip_bit,
    git,
    make_workspace,
)
from vision.config import DatasetConfig
from vision.errors import DatasetError

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def refused(workspace: Workspace, revision: str = "v1", **changes: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        resolve_revision(workspace.section(revision, **changes))
    return str(caught.value)


def test_missing_annotations_name_the_lists_there_are(workspace: Workspace) -> None:
    commit = workspace.git("rev-parse", "--short=8", "v1")
    where = f"{workspace.root} at {commit} in 'images'"
    assert refused(workspace, annotations="labels.csv") == (
        f"{where} has no file 'labels.csv'; it has no .csv, .json or .parquet file. Set "
        "dataset.annotations."
    )
    (workspace.root / "images" / "label.csv").write_text("path,label\n")
    workspace.add("images")
    workspace.commit("v3")
    assert "has no file 'labels.csv'; it has label.csv. Set" in refused(
        workspace, "v3", annotations="labels.csv"
    )


def test_bad_revision_names_the_tags(workspace: Workspace) -> None:
    message = refused(workspace, "v9")
    assert message.startswith(f"{workspace.root} has no revision 'v9'; its tags are v")
    assert message.endswith("Give a tag, branch or commit.")


def test_bad_folder_names_what_dvc_tracks(workspace: Workspace) -> None:
    where = f"{workspace.root} at {workspace.git('rev-parse', '--short=8', 'v1')}"
    assert refused(workspace, subfolder="pictures") == (
        f"{where} has no files in 'pictures'; set dataset.subfolder. DVC tracks images."
    )
    assert "is a file; set dataset.subfolder to the folder that holds it." in refused(
        workspace, subfolder="images/cat/00.png"
    )


def test_no_repository(tmp_path: Path, home: Path) -> None:
    nowhere = Workspace(tmp_path / "nowhere", tmp_path)
    expected = f"dataset.path {nowhere.root} does not exist; give a git repository with DVC."
    assert refused(nowhere) == expected
    expected = f"{tmp_path} is no git repository; run git init and dvc init there."
    assert refused(Workspace(tmp_path, tmp_path)) == expected


def test_machine_without_git(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert refused(workspace) == "Dataset revisions need git, which is not on the PATH."


def test_git_repository_without_dvc(tmp_path: Path, home: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "README").write_text("no data")
    plain = Workspace(tmp_path, tmp_path)
    commit = plain.commit("v1")
    assert refused(plain) == (
        f"{tmp_path} at {commit[:8]} has no DVC; run dvc init and dvc add there, commit, and name "
        "that revision."
    )


def test_folder_inside_a_dvc_repository(workspace: Workspace) -> None:
    commit = workspace.git("rev-parse", "--short=8", "v1")
    inside = str(workspace.root / "images")
    expected = (
        f"{inside} at {commit} lies inside the DVC repository {workspace.root}; set dataset.path "
        f"to {workspace.root} and dataset.subfolder to "
    )
    assert refused(workspace, path=inside, subfolder=".") == f"{expected}images."
    assert refused(workspace, path=inside, subfolder="cat") == f"{expected}images/cat."


def test_relative_remote_of_an_address(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc", remote="../../far")
    class_folders(workspace.root / "images", 2)
    workspace.add("images")
    workspace.commit("v1")
    workspace.push()
    url = f"file://{workspace.root}"
    assert refused(workspace, path=url) == (
        f"The DVC remote store of {url} has a relative path for its address, which leads somewhere "
        "only from a checkout. Set dataset.path to a checkout on this machine, or give the remote "
        "an address of its own: dvc remote modify store url ADDRESS, then commit that."
    )
    # The checkout knows what it is relative to, and what is here needs no remote.
    assert resolve_revision(workspace.section("v1")).remote == f"store {tmp_path}/dvc/far"
    assert resolve_revision(workspace.section("v1", path=url)).n_files == 4


def test_no_remote_while_files_are_missing(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc", remote="")
    class_folders(workspace.root / "images", 2)
    workspace.add("images")
    workspace.commit("v1")
    workspace.entry("images/cat/01.png").unlink()
    message = refused(workspace)
    assert "cannot be had: cat/01.png (missing in DVC's cache). The repository has no" in message
    assert message.endswith(
        "has no DVC remote to fetch them from; run dvc remote add -d NAME URL, and dvc push where "
        "the files are whole."
    )


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_lost_list_of_files_is_named(workspace: Workspace, damage: str) -> None:
    for path in [*workspace.root.rglob("*.dir"), *workspace.store.rglob("*.dir")]:
        path.unlink() if damage == "missing" else flip_bit(path)
    message = refused(workspace)
    assert (
        f"cannot be had: images (DVC's list of its files) ({damage} in DVC's cache and {damage} in "
        "the remote). "
    ) in message
    if damage == "damaged":
        name = workspace.git("show", "v1:images.dvc").split("md5: ")[1].split()[0]
        pushed = workspace.store / "files" / "md5" / name[:2] / name[2:]
        assert f"Remove {pushed} from the remote, which dvc push leaves alone, and run" in message


def test_broken_dvc_file_and_configuration_are_named(workspace: Workspace) -> None:
    (workspace.root / "images.dvc").write_text("outs: [")
    workspace.commit("broken")
    assert "DVC cannot read" in refused(workspace, "broken")
    workspace.git("reset", "--quiet", "--hard", "v2")
    (workspace.root / ".dvc" / "config").write_text("[core\n")
    message = refused(workspace, "v2")
    assert message.startswith(f"The DVC configuration of {workspace.root} cannot be read: ")


def test_unreachable_repository(home: Path, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/nowhere.git"
    nowhere = Workspace(tmp_path, tmp_path)
    assert f"{url} cannot be reached; try: git ls-remote {url} (" in refused(nowhere, path=url)


def test_address_with_an_unknown_revision(workspace: Workspace) -> None:
    url = f"file://{workspace.root}"
    expected = f"{url} has no tag or branch 'v9'; give one that git ls-remote lists, or a commit."
    assert refused(workspace, "v9", path=url) == expected
    lost = "0123456789" * 4
    assert f"{url} has no revision '{lost}'" in refused(workspace, lost, path=url)


def test_other_sources_have_no_revisions() -> None:
    with pytest.raises(DatasetError, match=r"Only source dvc has revisions; .* is digits\."):
        resolve_revision(DatasetConfig(source="digits"))
