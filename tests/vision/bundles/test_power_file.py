"""The power table of a bundle is made from its dataset and shown with its golden images."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import seal
from tests.synthetic import make_table
from tests.vision.drift.power_samples import make_table as make_power_table
from vision.bundles.load import ServingModel
from vision.bundles.power_file import make_power, show_power
from vision.config.drift import DriftConfig
from vision.datasets.table import AnnotationTable
from vision.drift import power
from vision.drift.detectors import DriftDetectors
from vision.drift.power_table import POWER_FILE, PowerTable, read_power, write_power

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_drift_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=20)


def _make(folder: Path, table: AnnotationTable, n_images: int) -> PowerTable | None:
    return make_power(
        folder,
        ServingModel.load(folder),
        table,
        table.rows("validation"),
        DriftDetectors.load(folder),
        DriftConfig(n_power_images=n_images),
    )


def test_it_is_measured_on_the_test_split(
    folder: Path, table: AnnotationTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(power, "SCENARIOS", ("dark",))
    made = _make(folder, table, 500)
    assert made is not None
    assert (made.split, made.n_images, made.sizes) == ("test", 60, (20,))
    assert read_power(folder) == made


@pytest.mark.parametrize("n_images", [0, 39])
def test_nothing_is_measured_where_it_cannot_be(
    folder: Path, table: AnnotationTable, n_images: int
):
    assert _make(folder, table, n_images) is None
    assert not (folder / POWER_FILE).exists()


def test_it_is_shown_with_the_golden_images(folder: Path):
    write_power(folder, make_power_table())
    page = show_power(folder, seal(folder))
    assert page is not None
    assert page.count("<img ") == 2


def test_a_bundle_without_one_shows_nothing(folder: Path):
    assert show_power(folder, seal(folder)) is None
