"""A bundle that is whole, for tests that spoil it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_bundle import write_fake_bundle
from vision.bundles.manifest import Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the bundle is; there is nothing before :func:`manifest` is asked for."""
    return tmp_path / "bundle"


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    """Writes the bundle."""
    return write_fake_bundle(folder)
