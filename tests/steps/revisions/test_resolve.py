"""Dataset revisions: real DVC repositories with a folder as their remote."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steps.revisions import ResolvedDataset, resolve_revision
from tests.corpus import class_folders, encode, picture
from tests.dvc_repositories import (
    Workspace,
    git,
    make_versions,
    make_workspace,
    state_of,
)
from vision.datasets import load_annotations

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def published(tmp_path: Path, home: Path) -> Workspace:
    """A repository whose committed configuration leads to its own remote, for reading elsewhere."""
    return make_versions(tmp_path / "dvc")[0]


def resolve(workspace: Workspace, revision: str, **changes: Any) -> ResolvedDataset:
    return resolve_revision(workspace.section(revision, **changes))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_revisions_are_commits_and_folders(
    workspace: Workspace, made: tuple[Workspace, dict[str, str]], home: Path
) -> None:
    commits = made[1]
    first, second = resolve(workspace, "v1"), resolve(workspace, "main")
    assert (first.commit, second.commit) == (commits["v1"], commits["v2"])
    assert first.folder == home / "datasets" / "dvc" / first.commit / "images"
    assert (first.n_files, second.n_files) == (24, 25)
    now = contents(workspace.root / "images")
    assert contents(second.folder) == now
    assert contents(first.folder) == {k: v for k, v in now.items() if k != "dog/new.png"}


def test_objects_are_shared_read_only_and_named_by_md5(workspace: Workspace, home: Path) -> None:
    first, second = resolve(workspace, "v1"), resolve(workspace, "v2")
    data = (first.folder / "cat" / "00.png").read_bytes()
    md5 = hashlib.md5(data).hexdigest()
    kept = home / "datasets" / "objects" / md5[:2] / md5[2:]
    assert kept.samefile(first.folder / "cat" / "00.png")
    assert kept.samefile(second.folder / "cat" / "00.png")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    # 25 images, and DVC's list of each revision's files.
    assert sum(path.is_file() for path in (home / "datasets" / "objects").rglob("*")) == 27


def test_table_of_a_revision_says_where_it_is_from(workspace: Workspace) -> None:
    resolved = resolve(workspace, "v1", seed=3)
    assert resolved.config.seed == 3
    table = load_annotations(resolved.config, resolved.source)
    assert (len(table), table.classes) == (24, ("cat", "dog"))
    dir_hash = workspace.git("show", "v1:images.dvc").split("md5: ")[1].split()[0]
    assert dir_hash.endswith(".dir")
    assert table.source == {
        "kind": "dvc",
        "path": str(workspace.root),
        "subfolder": "images",
        "revision": "v1",
        "commit": resolved.commit,
        "dir_hash": dir_hash,
        "n_files": "24",
        "remote": f"store {workspace.store}",
    }


def test_record_lies_beside_the_folder(workspace: Workspace) -> None:
    resolved = resolve(workspace, "v1")
    record = json.loads(resolved.folder.with_name("images.json").read_text())
    image = resolved.folder / "cat" / "00.png"
    info = image.stat()
    md5 = hashlib.md5(image.read_bytes()).hexdigest()
    assert record["files"]["cat/00.png"] == [md5, info.st_size, info.st_mtime_ns]
    n_bytes = sum(path.stat().st_size for path in resolved.folder.rglob("*.png"))
    assert record["counts"] == {"files": 24, "bytes": n_bytes}
    assert (record["commit"], record["remote"]) == (resolved.commit, f"store {workspace.store}")


def test_checkout_with_local_changes_keeps_every_byte(workspace: Workspace) -> None:
    (workspace.root / "images" / "cat" / "00.png").unlink()
    (workspace.root / "images" / "cat" / "00.png").write_bytes(b"my work")
    (workspace.root / "images" / "cat" / "mine.png").write_bytes(b"more of it")
    (workspace.root / "notes.txt").write_text("staged")
    workspace.git("add", "notes.txt")
    (workspace.root / "notes.txt").write_text("changed again")
    status = workspace.git("status", "--porcelain")
    before = state_of(workspace.root)
    for revision in ("v1", "v2", "main"):
        assert resolve(workspace, revision).n_files in (24, 25)
    assert state_of(workspace.root) == before
    assert workspace.git("status", "--porcelain") == status


def test_second_call_needs_neither_cache_nor_remote(workspace: Workspace) -> None:
    first = resolve(workspace, "v1")
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    shutil.rmtree(workspace.store)
    assert resolve(workspace, "v1") == first


def test_missing_cache_is_fetched_from_the_remote(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    assert len(list(resolve(workspace, "v1").folder.rglob("*.png"))) == 24


def test_root_means_what_dvc_tracks(workspace: Workspace) -> None:
    resolved = resolve(workspace, "v1", subfolder=".")
    assert sorted(path.name for path in resolved.folder.iterdir()) == ["cat", "dog"]
    below = resolve(workspace, "v1", subfolder="images/cat/")
    assert (below.n_files, below.dir_hash) == (12, resolved.dir_hash)


def test_files_of_git_and_single_files_of_dvc_belong_to_it(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    data = workspace.root / "data"
    class_folders(data / "images", 2)
    (data / "extra.png").write_bytes(encode(picture(7), "PNG"))
    (data / "labels.csv").write_text("path,label\nimages/cat/00.png,cat\nimages/dog/01.png,dog\n")
    (data / "link.csv").symlink_to("labels.csv")
    workspace.add("data/images", "data/extra.png")
    workspace.commit("v1")
    resolved = resolve(workspace, "v1", subfolder="data", annotations="labels.csv")
    names = ["extra.png", *(f"images/{kind}/0{n}.png" for kind in ("cat", "dog") for n in (0, 1))]
    assert sorted(contents(resolved.folder)) == [*names, "labels.csv"]
    config = resolved.config
    assert (config.source, config.path) == ("table", str(resolved.folder / "labels.csv"))
    assert (config.annotations, config.revision, config.subfolder) == (None, None, ".")
    assert len(load_annotations(config)) == 2


def test_annotations_at_the_root_bring_the_files_of_git(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    class_folders(workspace.root / "images", 2)
    (workspace.root / "labels.csv").write_text("path,label\nimages/cat/00.png,cat\n")
    workspace.add("images")
    workspace.commit("v1")
    listed = resolve(workspace, "v1", subfolder=".", annotations="labels.csv")
    assert (listed.folder / "images" / "cat" / "00.png").is_file()
    assert (listed.folder / "labels.csv").is_file()
    plain = resolve(workspace, "v1", subfolder=".")
    assert sorted(path.name for path in plain.folder.iterdir()) == ["cat", "dog"]


def test_output_of_a_pipeline_is_read(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    (workspace.root / "dvc.yaml").write_text(
        "stages:\n  make:\n    cmd: mkdir -p made/a && echo one > made/a/one.txt\n"
        "    outs:\n      - made\n"
    )
    environment = [sys.executable, "-m", "dvc", "--quiet", "repro"]
    subprocess.run(environment, cwd=workspace.root, check=True, capture_output=True)
    workspace.commit("v1")
    resolved = resolve(workspace, "v1", subfolder="made")
    assert contents(resolved.folder) == {"a/one.txt": b"one\n"}


def test_files_of_dvc_2_are_checked_by_its_own_hash(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    files = {"cat/00.png": encode(picture(1), "PNG"), "labels.csv": b"path,label\r\na,b\r\n"}
    rows = []
    for path, data in files.items():
        unified = data.replace(b"\r\n", b"\n") if path.endswith("csv") else data
        md5 = hashlib.md5(unified).hexdigest()
        rows.append({"md5": md5, "relpath": path})
        put(workspace.root / ".dvc" / "cache" / md5[:2] / md5[2:], data)
    listing = json.dumps(rows).encode()
    md5 = hashlib.md5(listing).hexdigest()
    put(workspace.root / ".dvc" / "cache" / md5[:2] / f"{md5[2:]}.dir", listing)
    (workspace.root / "images.dvc").write_text(f"outs:\n- md5: {md5}.dir\n  path: images\n")
    workspace.commit("v1")
    resolved = resolve(workspace, "v1")
    assert contents(resolved.folder) == files
    assert resolve(workspace, "v1") == resolved


def test_repository_below_the_top_of_git(tmp_path: Path, home: Path) -> None:
    top = tmp_path / "mono"
    below = Workspace(top / "vision", tmp_path / "none")
    below.root.mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    from dvc.repo import Repo

    Repo.init(str(below.root), subdir=True).close()
    below.configure("[core]", site_cache_dir=str(tmp_path / "site"))
    class_folders(below.root / "images", 2)
    below.add("images")
    below.commit("v1")
    assert len(contents(resolve(below, "v1").folder)) == 4


def test_repository_by_address_is_cloned_once_and_renewed(published: Workspace, home: Path) -> None:
    url = f"file://{published.root}"
    assert resolve(published, "v1", path=url).n_files == 24
    (published.root / "images" / "dog" / "newer.png").write_bytes(encode(picture(501), "PNG"))
    published.add("images")
    published.push()
    commit = published.commit("v3")
    assert resolve(published, "v3", path=url).n_files == 26
    assert resolve(published, commit, path=url).commit == commit
    assert resolve(published, commit[:10], path=url).commit == commit
    (clone,) = (home / "datasets" / "git").iterdir()
    # The address may hold a token: the clone does not keep it.
    assert "url" not in (clone / "config").read_text()


def test_remote_that_moved_after_the_commit(published: Workspace) -> None:
    moved = published.store.rename(published.store.with_name("moved"))
    shutil.rmtree(published.root / ".dvc" / "cache")
    config = published.root / ".dvc" / "config"
    config.write_text(config.read_text().replace(str(published.store), str(moved)))
    assert resolve(published, "v1").remote == f"store {moved}"
    published.commit("v3")
    assert resolve(published, "v2", path=f"file://{published.root}").n_files == 25


def test_second_worktree_of_a_repository(workspace: Workspace, tmp_path: Path) -> None:
    workspace.git("worktree", "add", "--quiet", str(tmp_path / "second"), "v1")
    second = Workspace(tmp_path / "second", workspace.store)
    assert resolve(second, "v2") == resolve(workspace, "v2", path=str(second.root))
