"""What the dashboard shows of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from zenml.enums import VisualizationType

from materializers.bundle import BundleMaterializer
from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import seal, write_fake_bundle
from tests.materializers.memory_store import ROOT, MemoryStore
from tests.vision.drift.power_samples import make_table
from vision.bundles.build import Bundle
from vision.bundles.model_card import write_model_card
from vision.drift.power_table import write_power

pytestmark = pytest.mark.unit


def _shown(store: MemoryStore, bundle: Bundle) -> dict[str, VisualizationType]:
    writer = BundleMaterializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
    writer.save(bundle)
    shown = writer.save_visualizations(bundle)
    return {uri.removeprefix(f"{ROOT}/"): kind for uri, kind in shown.items()}


def test_card_and_power_are_shown_before_the_files(store: MemoryStore, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    manifest = write_drift_bundle(folder)
    write_power(folder, make_table())
    write_model_card(folder, manifest, {"test": 3})
    shown = _shown(store, Bundle(folder, seal(folder)))
    assert shown == {
        "model_card.md": VisualizationType.MARKDOWN,
        "drift_power.html": VisualizationType.HTML,
        "summary.html": VisualizationType.HTML,
    }
    assert next(iter(shown)) == "model_card.md"
    assert b"# colours 2026" in store.files[f"{ROOT}/model_card.md"]
    assert b"is seen after 100 images" in store.files[f"{ROOT}/drift_power.html"]


def test_a_bundle_of_before_is_shown_as_before(store: MemoryStore, tmp_path: Path) -> None:
    manifest = write_fake_bundle(tmp_path / "one")
    assert list(_shown(store, Bundle(tmp_path / "one", manifest))) == ["summary.html"]


def test_card_and_power_travel_with_the_bundle(
    keep: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    folder = tmp_path / "one"
    manifest = write_drift_bundle(folder)
    write_power(folder, make_table())
    write_model_card(folder, manifest, {"test": 3})
    loaded = keep(BundleMaterializer, Bundle(folder, seal(folder)))
    assert loaded.folder != folder
    for name in ("drift/power.json", "model_card.md"):
        assert (loaded.folder / name).read_bytes() == (folder / name).read_bytes()
