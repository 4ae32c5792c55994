"""What the tests of making a revision do again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.revisions import commit_revision
from tests.corpus import encode, picture
from tests.dvc_repositories import Workspace
from vision.errors import DatasetError


def images(workspace: Workspace) -> Path:
    return workspace.root / "images"


def add_image(workspace: Workspace, name: str = "cat/more.png", seed: int = 900) -> None:
    (images(workspace) / name).write_bytes(encode(picture(seed), "PNG"))


def refused(folder: Path, message: str = "more", tag: str | None = None, push: bool = False) -> str:
    with pytest.raises(DatasetError) as caught:
        commit_revision(folder, message, tag, push)
    return str(caught.value)
