"""Puts versions of the fake model into the store; their answers differ by a known scale."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from serving.models.store import bundle_folder, save_bundle
from tests.fake_bundle import NAME, write_fake_bundle
from vision.bundles.champion import Champion, write_champion
from vision.bundles.manifest import read_manifest


def store_version(version: str, name: str = NAME, scale: float = 10.0) -> Path:
    """Stores a version of the fake model and returns the bundle's folder in the store."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "bundle"
        manifest = write_fake_bundle(folder, name=name, version=version, scale=scale)
        return bundle_folder(save_bundle(folder, manifest, {}))


def promote(version: str, name: str = NAME, day: int = 1, scale: float = 10.0) -> Path:
    """Makes a version the champion of its name, stored first if needed; returns its folder."""
    folder = store_version(version, name, scale)
    champion = Champion(
        name=name,
        version=version,
        bento_model=f"{name}:{version}".lower(),
        promoted_at=datetime(2026, 1, day, tzinfo=UTC),
    )
    write_champion(champion)
    assert read_manifest(folder).version == version
    return folder
