"""Tests of serving/models/listing.py."""

from datetime import UTC, datetime
from pathlib import Path

import bentoml
import pytest

import serving.models.listing as module
from serving.models.listing import Listing
from serving.models.load import load_model
from serving.models.store import bundle_folder
from tests.serving.models.versions import promote, store_version
from vision.bundles.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.unit


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Notes each manifest that is read."""
    found: list[Path] = []
    original = module.read_manifest
    monkeypatch.setattr(
        module, "read_manifest", lambda folder: found.append(folder) or original(folder)
    )
    return found


def date(folder: Path, day: int) -> None:
    manifest = read_manifest(folder)
    created = datetime(2026, 1, day, tzinfo=UTC)
    write_manifest(folder, manifest.model_copy(update={"created_at": created}))


def test_an_empty_store_lists_nothing() -> None:
    assert Listing().list(None) == ()


def test_the_newest_is_first_and_the_served_and_the_champions_are_marked() -> None:
    date(promote("v1", "Cats"), 3)
    date(store_version("v2", "Cats"), 2)
    date(promote("v1", "dogs"), 1)
    served = load_model(bundle_folder("cats:v2"))
    listed = Listing().list(served)
    assert [(each.name, each.version) for each in listed] == [
        ("Cats", "v1"), ("Cats", "v2"), ("dogs", "v1"),
    ]  # fmt: skip
    assert [each.is_active for each in listed] == [False, True, False]
    assert [each.is_champion for each in listed] == [True, False, True]


def test_what_cannot_be_served_is_left_out(store: Path, home: Path) -> None:
    promote("v1")
    (home / "champions/colours.json").write_text("{")
    with bentoml.models.create("other:v1"):
        pass
    (store / "colours/v2/bundle").mkdir(parents=True)
    (store / "colours/v3/bundle").mkdir(parents=True)
    (store / "colours/v3/bundle/manifest.json").write_text('{"name":')
    listed = Listing().list(None)
    assert [(each.version, each.is_champion) for each in listed] == [("v1", False)]


def test_manifests_are_read_once_until_they_change(reads: list[Path]) -> None:
    listing = Listing()
    folders = [store_version("v1"), store_version("v2")]
    reads.clear()
    listing.list(None)
    listing.list(None)
    assert reads == folders
    date(folders[1], 5)
    listing.list(None)
    assert reads == [*folders, folders[1]]
