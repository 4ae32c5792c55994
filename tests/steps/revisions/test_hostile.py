"""Revisions that were made to do harm are refused; addresses never show what is secret."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from steps.revisions import resolve_revision
from steps.revisions.files import TrackedFile, read_manifest, relative_to
from steps.revisions.git import without_credentials
from tests.dvc_repositories import Workspace, make_versions, make_workspace
from vision.errors import DatasetError

pytestmark = pytest.mark.security


def crafted(place: Path, rows: Any, md5: str | None = None) -> Workspace:
    """Makes a repository whose list of files is ``rows``, and true to its MD5."""
    workspace = make_workspace(place)
    listing = json.dumps(rows).encode()
    md5 = md5 or hashlib.md5(listing).hexdigest()
    entry = workspace.cached(f"{md5}.dir")
    entry.parent.mkdir(parents=True)
    entry.write_bytes(listing)
    (workspace.root / "images.dvc").write_text(
        f"outs:\n- md5: {md5}.dir\n  hash: md5\n  path: images\n"
    )
    workspace.commit("v1")
    return workspace


def refused(workspace: Workspace, **changes: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        resolve_revision(workspace.section(changes.pop("revision", "v1"), **changes))
    return str(caught.value)


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["../x", "a/../../x", "/etc/x", "", ".", "a//b", "a/", "x\0y", 7, None]
)
def test_path_that_leads_out_is_refused(tmp_path: Path, home: Path, path: object) -> None:
    md5 = hashlib.md5(b"mine").hexdigest()
    workspace = crafted(tmp_path / "dvc", [{"md5": md5, "relpath": path}])
    entry = workspace.cached(md5)
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_bytes(b"mine")
    assert refused(workspace) == (
        f"The file {path!r} of images leads out of the dataset; such a revision is not fetched."
    )
    assert not list(home.rglob("x"))


@pytest.mark.parametrize("md5", ["../../../etc/passwd", "", "0" * 31, "A" * 32, None, 5])
def test_md5_that_is_none_is_refused(md5: object) -> None:
    listing = json.dumps([{"md5": md5, "relpath": "a.png"}]).encode()
    with pytest.raises(DatasetError) as caught:
        read_manifest(listing, "images")
    assert str(caught.value) == (
        f"DVC's list of the files of images gives 'a.png' the MD5 {md5!r}."
    )


@pytest.mark.parametrize("listing", [b"", b"{}x", b"[1]", b'[{"md5": "a"}]', b"[" * 100_000])
def test_list_that_is_none_is_refused(listing: bytes) -> None:
    with pytest.raises(DatasetError, match="list of the files of images cannot be read"):
        read_manifest(listing, "images")


def test_file_that_is_also_a_folder_is_refused() -> None:
    files = [TrackedFile("images/a", "0" * 32), TrackedFile("images/a/b", "1" * 32)]
    with pytest.raises(DatasetError) as caught:
        relative_to(files, "images")
    assert str(caught.value) == "images tracks a path twice: a."
    with pytest.raises(DatasetError, match="twice: two files of one path"):
        relative_to(files[:1] * 2, "images")


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("md5", ["../../../../tmp/x", "0" * 30])
def test_output_whose_hash_is_none_is_refused(tmp_path: Path, home: Path, md5: str) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    (workspace.root / "images.dvc").write_text(
        f"outs:\n- md5: {md5}.dir\n  hash: md5\n  path: images\n"
    )
    workspace.commit("v1")
    assert f"is recorded by md5 '{md5}.dir'; only MD5 is read." in refused(workspace)


@pytest.mark.integration
@pytest.mark.slow
def test_names_do_not_become_options_of_git(tmp_path: Path, home: Path) -> None:
    workspace, _ = make_versions(tmp_path / "dvc")
    mark = tmp_path / "mark"
    for revision in (f"--upload-pack=touch {mark}", "-h", "--help"):
        for path in (str(workspace.root), f"file://{workspace.root}"):
            assert refused(workspace, revision=revision, path=path) == (
                f"dataset.revision {revision!r} begins with a dash, as no tag or branch does; give "
                "a tag, branch or commit."
            )
    assert "does not exist" in refused(workspace, path=f"--upload-pack=touch {mark}")
    assert "cannot be reached" in refused(workspace, path=f"ext://sh -c touch% {mark}")
    assert not mark.exists()


@pytest.mark.integration
@pytest.mark.slow
def test_subfolder_stays_in_the_repository(tmp_path: Path, home: Path) -> None:
    workspace, _ = make_versions(tmp_path / "dvc")
    expected = "dataset.subfolder images/../../x must lie inside the repository."
    assert refused(workspace, subfolder="images/../../x") == expected
    resolved = resolve_revision(workspace.section("v1", subfolder="/images"))
    assert resolved.folder.is_relative_to(home)


@pytest.mark.integration
@pytest.mark.slow
def test_pointer_of_git_lfs_is_no_image(tmp_path: Path, home: Path) -> None:
    workspace = make_workspace(tmp_path / "dvc")
    (workspace.root / "images").mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    (workspace.root / "images" / "a.png").write_text(pointer)
    workspace.commit("v1")
    message = refused(workspace)
    assert "a.png (kept in Git LFS, which is not read; use dvc add). Mend the git" in message


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:token@host.org/data.git", "https://host.org/data.git"),
        ("https://token@host.org/data.git", "https://host.org/data.git"),
        ("ssh://me@host:22/data", "ssh://host:22/data"),
        ("me@host.org:data.git", "host.org:data.git"),
        ("s3://bucket/data", "s3://bucket/data"),
        ("https://host.org/data?sig=secret#part", "https://host.org/data"),
        ("azure://box/data?sv=1&sig=secret and more", "azure://box/data and more"),
        ("/mnt/store@2024/data", "/mnt/store@2024/data"),
        ("cannot open https://me:pa@ss@host.org/x now", "cannot open https://host.org/x now"),
    ],
)
def test_credentials_are_cut_out(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
