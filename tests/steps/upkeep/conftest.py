"""A project of its own without builders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.steps.upkeep.made_home import MadeHome, deploy_eight, make_home


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeHome:
    """The project, with nothing in it."""
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def deployed(made: MadeHome) -> MadeHome:
    """The project with eight versions; ``v1`` is the oldest."""
    return deploy_eight(made)
