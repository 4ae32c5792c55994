"""Many checks at once find what the service's check finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.drift_bundle import make_images, make_rows, write_drift_bundle
from vision.bundles.load import ServingModel
from vision.drift.detectors import DriftDetectors
from vision.drift.window_checks import WindowChecks

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "one"
    write_drift_bundle(folder)
    return folder


@pytest.mark.parametrize("detector", ["ks", "cvm"])
@pytest.mark.parametrize("correction", ["bonferroni", "fdr"])
def test_the_verdicts_are_those_of_single_checks(folder: Path, detector: str, correction: str):
    loaded = DriftDetectors.load(folder)
    # Thresholds at which about half of the tests find something.
    thresholds = {view: dict.fromkeys(loaded.sizes, 0.3) for view in loaded.views}
    changed = {"detector": detector, "correction": correction, "thresholds": thresholds}
    file = loaded.file.model_copy(update=changed)
    detectors = DriftDetectors(file, loaded.reference)
    rows = make_rows(ServingModel.load(folder), make_images(200, 5, shift=2.0))
    rng = np.random.default_rng(0)
    windows = np.stack([rng.permutation(len(rows))[:60] for _ in range(40)])
    found = WindowChecks(file, loaded.reference, rows).check(windows)
    assert {view: each.shape for view, each in found.items()} == dict.fromkeys(
        loaded.views, (40, 2)
    )
    n_found = 0
    for place, window in enumerate(windows):
        for test in detectors.check(rows.take(window)).tests:
            column = loaded.sizes.index(test.n_images)
            # Equal values are put in a random order for CVM, so one at the threshold may differ.
            if detector == "ks" or abs(test.p_value - 0.3) > 0.02:
                assert found[test.view][place, column] == test.is_drift, test
            n_found += test.is_drift
    assert 40 < n_found < 360


def test_what_was_found_once_can_last(folder: Path):
    loaded = DriftDetectors.load(folder)
    thresholds = {view: dict.fromkeys(loaded.sizes, 0.3) for view in loaded.views}
    file = loaded.file.model_copy(update={"thresholds": thresholds})
    rows = make_rows(ServingModel.load(folder), make_images(200, 5, shift=2.0))
    rng = np.random.default_rng(0)
    windows = np.stack([rng.permutation(200)[:100] for _ in range(40)])
    checks = WindowChecks(file, loaded.reference, rows)
    each, lasting = checks.check(windows), checks.check(windows, is_lasting=True)
    for view in loaded.views:
        assert np.array_equal(lasting[view], np.logical_or.accumulate(each[view], axis=1))
    assert any(not np.array_equal(lasting[view], each[view]) for view in loaded.views)


def test_the_smallest_p_values_are_below_every_threshold(folder: Path):
    loaded = DriftDetectors.load(folder)
    thresholds = {view: dict.fromkeys(loaded.sizes, 1e-8) for view in loaded.views}
    file = loaded.file.model_copy(update={"thresholds": thresholds})
    rows = make_rows(ServingModel.load(folder), make_images(100, 5, shift=60.0))
    found = WindowChecks(file, loaded.reference, rows).check(np.arange(100)[None])
    assert found["uae"][0].tolist() == [True, True, True]
