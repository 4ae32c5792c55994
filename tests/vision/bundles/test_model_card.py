"""The model card says what the pipeline knows, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import NAME, VERSION, write_fake_bundle
from tests.vision.drift.power_samples import make_table
from vision.bundles.manifest import Lineage, Manifest
from vision.bundles.model_card import CARD_FILE, render_model_card, write_model_card
from vision.drift.power_table import write_power
from vision.errors import BundleError

pytestmark = pytest.mark.unit

N_IMAGES = {"train": 1_200, "validation": 300, "test": 450}
HEADINGS = [
    "Model details",
    "Intended use",
    "Training and evaluation data",
    "Metrics",
    "Drift: what will be seen",
    "Caveats",
]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return write_drift_bundle(tmp_path / "bundle")


def _card(folder: Path, manifest: Manifest) -> str:
    return render_model_card(folder / "bundle", manifest, N_IMAGES)


def test_the_headings_are_those_with_facts(tmp_path: Path, manifest: Manifest):
    lines = _card(tmp_path, manifest).splitlines()
    assert lines[0] == f"# {NAME} {VERSION}"
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS


def test_it_says_what_the_model_is_and_where_it_came_from(tmp_path: Path, manifest: Manifest):
    lineage = Lineage(
        git_commit="c" * 40, git_is_dirty=True, data_digest="d" * 64, dataset_revision="v1.2"
    )
    card = _card(tmp_path, manifest.model_copy(update={"lineage": lineage}))
    assert "- Architecture: by\\_hand, 0 parameters" in card
    assert "- Input: RGB images, resized to 8 × 8 px" in card
    assert "- Made: 2026-01-01 12:00 UTC" in card
    assert f"- Code: commit `{'c' * 40}` and changes that are in no commit" in card
    assert "- Revision: `v1.2`" in card
    assert f"annotation table: `{'d' * 64}`" in card
    assert "- train: 1,200 images\n- validation: 300 images\n- test: 450 images" in card
    assert "tells 3 classes apart: red, green, blue." in card
    assert "| accuracy | 1.0000 |" in card
    assert "it cannot be made again alike" in card


def test_what_is_not_known_is_not_written(tmp_path: Path, manifest: Manifest):
    card = _card(tmp_path, manifest.model_copy(update={"lineage": Lineage()}))
    for word in ("Code:", "Revision", "Digest", "Tracking run", "None", "tensorflow", "nan"):
        assert word not in card
    measured = manifest.model_copy(update={"metrics": {"auc": None}})
    assert "| auc | not measured |" in _card(tmp_path, measured)


def test_the_drift_check_is_put_in_words(tmp_path: Path, manifest: Manifest):
    card = _card(tmp_path, manifest)
    assert (
        "Every 10 images the newest 20, 50, 100 images are compared with 300 held-out ones, by "
        "Kolmogorov-Smirnov in each column (Bonferroni) and chi-squared for the classes:" in card
    )
    assert "- `properties`: light, contrast, sharpness and colour" in card
    assert (
        "its thresholds allow one false alarm in 20 checks (“1 per 1 days at 200 images per day”)."
        in card
    )
    assert "What this check will see was not measured." in card


def test_what_is_not_seen_is_a_caveat(tmp_path: Path, manifest: Manifest):
    write_power(tmp_path / "bundle", make_table())
    card = _card(tmp_path, manifest)
    assert "| blur | 100 | 100 | 100 |" in card
    assert "| jpeg | not seen | not seen | not seen |" in card
    assert "- Not seen, though fewer answers are right: jpeg 1 (quality 50): found in 25%" in card
    assert "- Not seen: channel_swap; it changes no pixel of these images." in card
    assert "“Seen after 100 images” means" in card


def test_a_bundle_without_detectors_says_so(tmp_path: Path):
    manifest = write_fake_bundle(tmp_path / "bundle")
    card = _card(tmp_path, manifest)
    assert "This bundle has no drift detectors: images that change are not noticed." in card
    assert [line[3:] for line in card.splitlines() if line.startswith("## ")] == HEADINGS


def test_names_cannot_write_markdown(tmp_path: Path, manifest: Manifest):
    names = ("a|b", "<img src=x>", "c\nd")
    card = _card(tmp_path, manifest.model_copy(update={"classes": names}))
    assert "a\\|b, \\<img src=x\\>, c\\\\nd" in card
    many = tuple(f"class{number}" for number in range(300))
    assert "class99 and 200 more (labels.json)" in _card(
        tmp_path, manifest.model_copy(update={"classes": many})
    )


def test_several_classes_an_image_are_said(tmp_path: Path, manifest: Manifest):
    card = _card(tmp_path, manifest.model_copy(update={"task": "multilabel"}))
    assert "- Task: any number of classes for each image" in card
    assert "The model finds 3 classes in images" in card


def test_it_is_written_beside_the_model(tmp_path: Path, manifest: Manifest):
    path = write_model_card(tmp_path / "bundle", manifest, N_IMAGES)
    assert path == tmp_path / "bundle" / CARD_FILE
    assert path.read_text(encoding="utf-8") == _card(tmp_path, manifest)


def test_a_damaged_power_table_is_refused(tmp_path: Path, manifest: Manifest):
    (tmp_path / "bundle/drift/power.json").write_text("{}")
    with pytest.raises(BundleError, match="is no power table"):
        _card(tmp_path, manifest)
