from __future__ import annotations

from pathlib import Path

import pytest

from steps.packaging.base_image import base_digest, known_base
from steps.packaging.containers import Tool, ToolName
from tests.steps.packaging.fake_builder import write_fake_builder

pytestmark = pytest.mark.unit

BASE = "python:3.11-slim-bookworm"
DIGEST = "sha256:" + "7" * 64


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("podman", f'["docker.io/library/python@{DIGEST}"]', DIGEST),
        ("docker", f'["python@{DIGEST}"]', DIGEST),
        ("docker", "[]", None),
        ("docker", "null", None),
        ("podman", f'["localhost/python@{DIGEST}"]', None),
        ("podman", f'["localhost/python@sha256:0","docker.io/library/python@{DIGEST}"]', DIGEST),
        ("podman", "no JSON", None),
        ("buildah", f"docker.io/library/python:3.11@{DIGEST}", DIGEST),
        ("buildah", f"localhost/python:3.11@{DIGEST}", None),
        ("buildah", "@", None),
    ],
)
def test_a_base_has_the_digest_of_its_registry(
    name: ToolName, said: str, expected: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    calls = write_fake_builder(folder, name, tmp_path, inspect=f"echo '{said}'")
    assert base_digest(Tool(name, str(folder / name)), BASE) == expected
    assert calls.read_text().endswith(f" {BASE}\n")


def test_a_base_that_is_named_by_digest_is_taken_at_its_word(tmp_path: Path) -> None:
    assert base_digest(Tool("podman", str(tmp_path)), f"python@{DIGEST}") == DIGEST


@pytest.mark.fault
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_a_store_that_does_not_know_the_base_is_no_failure(name: ToolName, tmp_path: Path) -> None:
    write_fake_builder(tmp_path / "bin", name, tmp_path)
    assert base_digest(Tool(name, str(tmp_path / "bin" / name)), BASE) is None


def known(tmp_path: Path, name: ToolName, inspect: str) -> tuple[str, list[str]]:
    """What is known of a base, and what was asked, without the forms of the answers."""
    calls = write_fake_builder(tmp_path / "bin", name, tmp_path, inspect=inspect)
    found = known_base(Tool(name, str(tmp_path / "bin" / name)), BASE)
    return found, [line.split()[0] for line in calls.read_text().splitlines()]


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_base_of_a_registry_is_known_by_its_digest(name: ToolName, tmp_path: Path) -> None:
    answer = (
        f'case "$*" in *RepoDigests*) echo \'["python@{DIGEST}"]\' ;; *) echo {"1" * 64} ;; esac'
    )
    assert known(tmp_path, name, answer) == (DIGEST, ["image", "image"])


@pytest.mark.fault
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_a_base_that_was_made_here_is_known_by_its_id(name: ToolName, tmp_path: Path) -> None:
    answer = (
        f"case \"$*\" in *RepoDigests*) echo '[]' ;; *Digest*) echo @ ;; "
        f"*) echo sha256:{'1' * 64} ;; esac"
    )
    found, asked = known(tmp_path, name, answer)
    assert found == "1" * 64
    assert "pull" not in asked


@pytest.mark.fault
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_a_base_that_is_not_here_is_fetched_and_else_known_by_its_name(
    name: ToolName, tmp_path: Path
) -> None:
    found, asked = known(tmp_path, name, "exit 125")
    assert found == BASE
    assert asked[1] == "pull"


def test_a_base_that_is_named_by_digest_needs_nobody(tmp_path: Path) -> None:
    assert known_base(Tool("podman", str(tmp_path / "none")), f"python@{DIGEST}") == DIGEST
