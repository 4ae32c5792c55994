from __future__ import annotations

from pathlib import Path

import pytest

from steps.packaging.base_image import base_digest
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
