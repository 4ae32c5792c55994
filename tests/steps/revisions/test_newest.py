"""The newest revision is the head of the branch, here and elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.revisions.newest import newest_revision
from tests.dvc_repositories import git
from vision.config import DatasetConfig
from vision.errors import DatasetError

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("home")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a tag ``v1``, a newer commit on ``main`` and a branch ``labels``."""
    root = tmp_path / "data"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    for name in ("v1", "v2"):
        (root / name).touch()
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", name)
        git(root, "tag", name)
    git(root, "branch", "labels", "v1")
    return root


@pytest.mark.parametrize("place", ["here", "elsewhere"])
@pytest.mark.parametrize(
    ("revision", "newest"),
    [("v1", "v2"), ("v2", "v2"), ("main", "v2"), ("labels", "v1"), ("COMMIT", "v2")],
)
def test_a_branch_is_followed_and_a_pin_gives_way(
    repository: Path, place: str, revision: str, newest: str
) -> None:
    named = git(repository, "rev-parse", "v1") if revision == "COMMIT" else revision
    path = str(repository) if place == "here" else f"file://{repository}"
    dataset = DatasetConfig(source="dvc", path=path, revision=named, subfolder="images")

    found = newest_revision(dataset)

    assert found.revision == git(repository, "rev-parse", newest)
    assert (found.path, found.subfolder) == (path, "images")


def test_other_sources_are_what_they_are() -> None:
    dataset = DatasetConfig(source="folder", path="images")

    assert newest_revision(dataset) is dataset


@pytest.mark.security
def test_a_repository_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    dataset = DatasetConfig(
        source="dvc", path=f"https://me:s3cr3t@127.0.0.1:9/{tmp_path.name}.git", revision="main"
    )

    with pytest.raises(
        DatasetError, match="cannot be reached; try: git ls-remote https://127"
    ) as e:
        newest_revision(dataset)
    assert "s3cr3t" not in str(e.value)
