"""Commit, dirtiness and patch of real repositories made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vision.provenance import CodeVersion, read_code_version


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ("git", "-C", str(folder), *identity, *arguments),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("A = 1\n")
    _git(tmp_path, "add", "code.py")
    _git(tmp_path, "commit", "--quiet", "--message", "First")
    return tmp_path


def test_a_clean_repository_has_a_commit_and_no_patch(repository: Path) -> None:
    expected = CodeVersion(_git(repository, "rev-parse", "HEAD"), is_dirty=False, patch="")
    assert read_code_version(repository) == expected
    assert len(expected.commit or "") == 40


def test_a_change_is_in_the_patch(repository: Path) -> None:
    (repository / "code.py").write_text("A = 2\n")
    version = read_code_version(repository)
    assert version.is_dirty is True
    assert "-A = 1\n+A = 2\n" in version.patch


def test_an_untracked_file_is_named(repository: Path) -> None:
    (repository / "new.py").write_text("B = 1\n")
    version = read_code_version(repository)
    assert version.is_dirty is True
    assert version.patch == "# not tracked: new.py\n"


def test_before_the_first_commit_the_commit_is_unknown(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("A = 1\n")
    assert read_code_version(tmp_path) == CodeVersion(None, True, "# not tracked: code.py\n")


def test_outside_git_everything_is_unknown(tmp_path: Path) -> None:
    assert read_code_version(tmp_path) == CodeVersion(None, None, "")
    assert read_code_version(tmp_path / "missing") == CodeVersion(None, None, "")


def test_without_the_git_program_everything_is_unknown(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert read_code_version(repository) == CodeVersion(None, None, "")
