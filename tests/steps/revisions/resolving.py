"""What the tests of reading a revision do again and again."""

from __future__ import annotations

from typing import Any

import pytest

from steps.revisions import ResolvedDataset, resolve_revision
from tests.dvc_repositories import Workspace
from vision.errors import DatasetError


def resolve(workspace: Workspace, revision: str, **changes: Any) -> ResolvedDataset:
    return resolve_revision(workspace.section(revision, **changes))


def refused(workspace: Workspace, revision: str = "v1", **changes: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        resolve(workspace, revision, **changes)
    return str(caught.value)
