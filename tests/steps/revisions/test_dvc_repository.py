"""The door to DVC: what it says of a commit, and that opening one writes nothing."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

from steps.revisions.dvc_repository import DvcRevision, legacy_md5, read_config
from steps.revisions.files import DvcOutput
from steps.revisions.git import find_commit
from tests.corpus import class_folders
from tests.dvc_repositories import Workspace, make_workspace, state_of
from vision.errors import DatasetError
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def workspace(tmp_path: Path, home: Path) -> Workspace:
    made = make_workspace(tmp_path / "dvc")
    class_folders(made.root / "data" / "images", 2)
    (made.root / "data" / "labels.csv").write_text("path,label\n")
    made.add("data/images", "data/labels.csv")
    made.commit("v1")
    return made


def opened(workspace: Workspace, revision: str = "v1") -> DvcRevision:
    return DvcRevision(*find_commit(str(workspace.root), revision))


def test_outputs_of_a_commit(workspace: Workspace) -> None:
    before = state_of(workspace.root)
    revision = opened(workspace)
    listed = workspace.git("show", "v1:data/images.dvc").split("md5: ")[1].split()[0]
    md5 = hashlib.md5(b"path,label\n").hexdigest()
    assert sorted(revision.outputs, key=lambda output: output.path) == [
        DvcOutput("data/images", listed.removesuffix(".dir"), is_directory=True),
        DvcOutput("data/labels.csv", md5, is_directory=False),
    ]
    assert revision.outputs[0].object_name in (listed, md5)
    assert revision.cache == workspace.root / ".dvc" / "cache"
    assert revision.remote_title == f"store {workspace.store}"
    assert revision.where == f"{workspace.root} at {revision.commit[:8]}"
    assert state_of(workspace.root) == before


def test_cache_elsewhere_is_the_configured_one(workspace: Workspace, tmp_path: Path) -> None:
    local = workspace.root / ".dvc" / "config.local"
    local.write_text(f"[cache]\n    dir = {tmp_path}/shared\n")
    assert opened(workspace).cache == tmp_path / "shared"
    local.write_text("[cache]\n    dir = ../../shared\n")
    assert opened(workspace).cache == workspace.root.parent / "shared"


def test_remote_by_name_by_default_and_alone(workspace: Workspace, tmp_path: Path) -> None:
    config = workspace.root / ".dvc" / "config"
    config.write_text(f"['remote \"Only\"']\n    url = {tmp_path}/only\n")
    assert opened(workspace).remote_title == f"only {tmp_path}/only"
    more = "['remote \"more\"']\n    url = https://me:token@host.org/more?sig=x\n"
    config.write_text(config.read_text() + more)
    assert (opened(workspace).remote_title, opened(workspace).remote()) == ("", None)
    named = opened(workspace).remote("more")
    assert named is not None
    assert named.title == "more https://host.org/more"
    with pytest.raises(DatasetError) as caught:
        opened(workspace).remote("lost")
    assert str(caught.value) == (
        f"A DVC remote of {workspace.root} cannot be used: config file error: remote 'lost' "
        "doesn't exist."
    )


def test_output_that_was_never_made(workspace: Workspace) -> None:
    (workspace.root / "dvc.yaml").write_text(
        "stages:\n  make:\n    cmd: mkdir made\n    outs:\n      - made\n"
    )
    commit = workspace.commit("v2")
    with pytest.raises(DatasetError) as caught:
        _ = opened(workspace, "v2").outputs
    assert str(caught.value) == (
        f"made of {workspace.root} at {commit[:8]} was never made or fetched: DVC recorded no "
        "hash. Run dvc repro or dvc update there and commit the result."
    )


def test_broken_configuration(workspace: Workspace) -> None:
    (workspace.root / ".dvc" / "config.local").write_text("[remote\n")
    with pytest.raises(DatasetError, match=r"The DVC configuration of .* cannot be read: "):
        read_config(workspace.root)


def test_hash_of_dvc_2_unifies_line_ends_of_text_only(tmp_path: Path) -> None:
    text, image = tmp_path / "a.csv", tmp_path / "a.png"
    text.write_bytes(b"a,b\r\nc,d\r\n")
    image.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    assert legacy_md5(text) == hashlib.md5(b"a,b\nc,d\n").hexdigest()
    assert legacy_md5(image) == hashlib.md5(image.read_bytes()).hexdigest()


def test_nothing_else_imports_dvc() -> None:
    doors = set()
    for ring in ("pipelines", "steps", "materializers", "stacks", "vision", "serving"):
        for path in (repository() / ring).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                if any(name.split(".")[0].startswith("dvc") for name in names):
                    doors.add(path.name)
    assert doors == {"dvc_repository.py"}
