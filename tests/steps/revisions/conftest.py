"""A repository with two revisions, made once, and a copy of it for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dvc_repositories import Workspace, copy_workspace, make_versions


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, str]]:
    """The repository, which no test may change, and its commits by tag."""
    return make_versions(tmp_path_factory.mktemp("made") / "dvc")


@pytest.fixture
def workspace(made: tuple[Workspace, dict[str, str]], tmp_path: Path, home: Path) -> Workspace:
    """A copy for one test."""
    return copy_workspace(made[0], tmp_path / "dvc")
