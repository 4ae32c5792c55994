"""Dataset revisions: a real DVC repository with a remote, made on the spot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steps.revisions import ResolvedDataset, resolve_revision
from tests.corpus import class_folders, encode, picture
from vision.config import DatasetConfig
from vision.datasets import load_annotations
from vision.errors import DatasetError

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def run(repository: Path, *command: str) -> str:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    if command[0] == "git":
        command = ("git", *identity, *command[1:])
    done = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def dvc(repository: Path, *arguments: str) -> None:
    run(repository, sys.executable, "-m", "dvc", "--quiet", *arguments)


def commit(repository: Path, tag: str) -> str:
    dvc(repository, "add", "images")
    dvc(repository, "push")
    run(repository, "git", "add", "--all")
    run(repository, "git", "commit", "--quiet", "--message", tag)
    run(repository, "git", "tag", tag)
    return run(repository, "git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A repository with v1 (12 images a class) and v2 (one image more), and their commits."""
    place = tmp_path_factory.mktemp("dvc")
    repository = place / "repository"
    repository.mkdir()
    run(repository, "git", "init", "--quiet", "--initial-branch=main")
    dvc(repository, "init")
    dvc(repository, "remote", "add", "--default", "store", str(place / "store"))
    class_folders(repository / "images")
    commits = {"v1": commit(repository, "v1")}
    (repository / "images" / "dog" / "new.png").write_bytes(encode(picture(500), "PNG"))
    commits["v2"] = commit(repository, "v2")
    return repository, commits


@pytest.fixture
def repository(made: tuple[Path, dict[str, str]], tmp_path: Path, home: Path) -> Path:
    """A copy of the repository and its remote that a test may damage."""
    shutil.copytree(made[0].parent, tmp_path / "dvc")
    copied = tmp_path / "dvc" / "repository"
    dvc(copied, "remote", "modify", "store", "url", str(tmp_path / "dvc" / "store"))
    config = (copied / ".dvc" / "config").read_text()
    (copied / ".dvc" / "config.local").write_text(config)
    return copied


def resolve(repository: Path | str, revision: str, **changes: Any) -> ResolvedDataset:
    section = DatasetConfig(
        source="dvc", path=str(repository), revision=revision, **{"subfolder": "images", **changes}
    )
    return resolve_revision(section)


def test_revisions_are_commits_and_folders(
    repository: Path, made: tuple[Path, dict[str, str]], home: Path
) -> None:
    first, second = resolve(repository, "v1"), resolve(repository, "main")
    assert (first.commit, second.commit) == (made[1]["v1"], made[1]["v2"])
    assert first.folder == home / "datasets" / "dvc" / first.commit / "images"
    assert len(list(first.folder.rglob("*.png"))) == 24
    assert len(list(second.folder.rglob("*.png"))) == 25
    assert first.digest != second.digest


def test_table_of_a_revision_says_where_it_is_from(repository: Path) -> None:
    resolved = resolve(repository, "v1", seed=3)
    assert resolved.config.seed == 3
    table = load_annotations(resolved.config, resolved.source)
    assert (len(table), table.classes) == (24, ("cat", "dog"))
    assert table.source == {
        "kind": "dvc",
        "path": str(repository),
        "subfolder": "images",
        "revision": "v1",
        "commit": resolved.commit,
    }


def test_checkout_with_local_changes_is_left_alone(repository: Path) -> None:
    changed = repository / "images" / "cat" / "00.png"
    changed.unlink()
    changed.write_bytes(b"my work")
    assert (resolve(repository, "v1").folder / "cat" / "00.png").read_bytes() != b"my work"
    assert changed.read_bytes() == b"my work"
    assert run(repository, "git", "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_second_call_needs_neither_cache_nor_remote(repository: Path) -> None:
    first = resolve(repository, "v1")
    shutil.rmtree(repository / ".dvc" / "cache")
    shutil.rmtree(repository.parent / "store")
    assert resolve(repository, "v1") == first


def test_missing_cache_is_fetched_from_the_remote(repository: Path) -> None:
    shutil.rmtree(repository / ".dvc" / "cache")
    assert len(list(resolve(repository, "v1").folder.rglob("*.png"))) == 24


def test_root_means_what_dvc_tracks(repository: Path) -> None:
    resolved = resolve(repository, "v1", subfolder=".")
    assert sorted(path.name for path in resolved.folder.iterdir()) == ["cat", "dog"]


def test_bad_revision_names_the_tags(repository: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        resolve(repository, "v9")
    assert str(caught.value).startswith(f"{repository} has no revision 'v9'; its tags are v")
    assert str(caught.value).endswith("Give a tag, branch or commit.")


def test_bad_folder_names_what_dvc_tracks(repository: Path) -> None:
    message = "has no files in 'pictures'; set dataset.subfolder. DVC tracks images"
    with pytest.raises(DatasetError, match=message):
        resolve(repository, "v1", subfolder="pictures")


def test_no_repository(tmp_path: Path, home: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere does not exist; give a git repository"):
        resolve(tmp_path / "nowhere", "v1")
    with pytest.raises(DatasetError, match="is no git repository; run git init and dvc init"):
        resolve(tmp_path, "v1")


def test_git_repository_without_dvc(tmp_path: Path, home: Path) -> None:
    run(tmp_path, "git", "init", "--quiet")
    (tmp_path / "README").write_text("no data")
    run(tmp_path, "git", "add", "README")
    run(tmp_path, "git", "commit", "--quiet", "--message", "first")
    with pytest.raises(DatasetError, match=r"has no files in 'images'.*run dvc add"):
        resolve(tmp_path, "HEAD")


def test_unreachable_repository(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be reached; try: git ls-remote file:"):
        resolve(f"file://{tmp_path}/nowhere.git", "v1")


def test_repository_by_address(repository: Path) -> None:
    resolved = resolve(f"file://{repository}", "v1")
    assert len(list(resolved.folder.rglob("*.png"))) == 24
    with pytest.raises(DatasetError, match="has no tag or branch 'v9'"):
        resolve(f"file://{repository}", "v9")


def test_missing_object_is_named(repository: Path, home: Path) -> None:
    for store in (repository / ".dvc" / "cache", repository.parent / "store"):
        smallest = min(
            (path for path in store.rglob("*") if path.is_file() and path.suffix != ".dir"),
            key=lambda path: path.name,
        )
        smallest.unlink()
    with pytest.raises(DatasetError, match=r"1 of 24 files are missing or damaged .*\.png"):
        resolve(repository, "v1")
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_flipped_bit_in_the_cache_is_named(repository: Path) -> None:
    entry = min(
        (
            path
            for path in (repository / ".dvc" / "cache").rglob("*")
            if path.is_file() and path.suffix != ".dir"
        ),
        key=lambda path: path.name,
    )
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    entry.chmod(0o644)
    entry.write_bytes(data)
    with pytest.raises(DatasetError, match="its bytes are not those that were added"):
        resolve(repository, "v1")


def test_other_sources_have_no_revision(home: Path) -> None:
    with pytest.raises(DatasetError, match=r"dataset\.source is digits"):
        resolve_revision(DatasetConfig(source="digits"))


def test_subfolder_stays_inside_the_repository(tmp_path: Path, home: Path) -> None:
    with pytest.raises(DatasetError, match="must lie inside the repository"):
        resolve(tmp_path, "v1", subfolder="../other")
