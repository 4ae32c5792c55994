from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.drift_bundle import DRIFT, make_images, make_rows, write_drift_bundle
from tests.vision.drift.samples import N_CLASSES, config, detector_file, draw_rows
from vision.bundles.load import ServingModel
from vision.drift.calibration import calibrate
from vision.drift.detectors import DriftDetectors, read_detectors, write_detectors
from vision.drift.names import VIEWS
from vision.drift.views import DriftRows
from vision.errors import BundleError, ModelError

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "colours"
    write_drift_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def detectors() -> DriftDetectors:
    return DriftDetectors(calibrate(draw_rows(200, 1), N_CLASSES, config()), draw_rows(200, 1))


def test_a_bundle_gives_its_detectors(bundle: Path):
    detectors = DriftDetectors.load(bundle)
    assert detectors.views == VIEWS
    assert (detectors.sizes, detectors.every_n) == ((20, 50, 100), 10)
    assert (detectors.alarm_rate, detectors.backend) == (pytest.approx(0.05), "scipy")
    assert len(detectors.reference) == 300


def test_images_like_the_reference_are_no_drift_and_others_are(bundle: Path):
    detectors, serving = DriftDetectors.load(bundle), ServingModel.load(bundle)
    same = detectors.check(make_rows(serving, make_images(100, 5)))
    assert not same.is_drift
    assert same.moved == ()
    moved = detectors.check(make_rows(serving, make_images(100, 5, shift=20.0)))
    assert moved.is_drift
    assert {"uae", "properties"} <= set(moved.moved)
    one = detectors.check(make_rows(serving, make_images(100, 5, colours=("red",))))
    assert "classes" in one.moved
    assert one.by_view["classes"].column == "predicted class"


def test_channels_the_wrong_way_round_are_drift_and_the_right_way_are_not(tmp_path: Path):
    folder = tmp_path / "bundle"
    write_drift_bundle(folder, colours=("red", "green"))
    detectors, serving = DriftDetectors.load(folder), ServingModel.load(folder)
    for seed in range(5):
        rgb = make_images(100, 50 + seed, colours=("red", "green"))
        for view in VIEWS:
            right = detectors.check(make_rows(serving, rgb)).by_view[view]
            wrong = detectors.check(make_rows(serving, rgb[..., ::-1])).by_view[view]
            assert right.p_value > right.threshold, right
            assert wrong.p_value < wrong.threshold, wrong


def test_every_size_there_are_rows_for_is_tested_on_the_newest(detectors: DriftDetectors):
    old, new = draw_rows(100, 2, shift=3.0), draw_rows(50, 3)
    both = DriftRows(*(np.concatenate([old.view(view), new.view(view)]) for view in VIEWS))
    found = detectors.check(both)
    assert found.n_images == 150
    assert [(test.view, test.n_images) for test in found.tests] == [
        (view, size) for view in VIEWS for size in (50, 100)
    ]
    assert not any(test.is_drift for test in found.tests if test.n_images == 50)
    assert all(test.is_drift for test in found.tests if test.n_images == 100)
    assert {test.n_images for test in detectors.check(new).tests} == {50}


def test_a_test_names_the_column_that_moved_and_how(detectors: DriftDetectors):
    rows = draw_rows(50, 3)
    rows.properties[:, 1] += 100.0
    [test] = [test for test in detectors.check(rows).tests if test.view == "properties"]
    assert (test.column, test.detector, test.statistic) == ("contrast", "ks", 1.0)
    assert test.p_value < 1e-20
    assert test.threshold == detectors.file.thresholds["properties"][50]
    assert json.loads(json.dumps(test.to_json()))["is_drift"] is True
    [classes] = [test for test in detectors.check(rows).tests if test.view == "classes"]
    assert classes.detector == "chi_squared"


def test_among_p_values_of_0_the_larger_statistic_names_the_column():
    reference = draw_rows(2_000, 1)
    rows = draw_rows(2_000, 2)
    rows.uae[:1_500, 0] += 1e6
    rows.uae[:, 2] += 1e6
    file = detector_file(2_000, windows=(2_000,))
    test = DriftDetectors(file, reference).check(rows).tests[0]
    assert (test.column, test.statistic, test.p_value) == ("uae 2", 1.0, 0.0)
    assert test.is_drift


def test_the_same_rows_give_the_same(detectors: DriftDetectors):
    rows = draw_rows(100, 4)
    assert detectors.check(rows) == detectors.check(rows)


def test_rows_that_were_not_measured_are_left_out_of_that_view_alone(detectors: DriftDetectors):
    rows = draw_rows(100, 4)
    rows.properties[::2] = np.nan
    found = {(test.view, test.n_images) for test in detectors.check(rows).tests}
    assert {("properties", 25), ("properties", 50), ("uae", 50), ("uae", 100)} <= found
    rows.properties[:52] = np.nan
    sizes = [test.n_images for test in detectors.check(rows).tests if test.view == "properties"]
    assert sizes == []
    rows.properties[:] = np.nan
    assert len(detectors.check(rows).tests) == 8


def test_the_same_image_again_and_again_is_drift_and_no_crash(detectors: DriftDetectors):
    one = draw_rows(1, 5)
    found = detectors.check(one.take(np.zeros(100, int)))
    assert all(0.0 <= test.p_value <= 1.0 for test in found.tests)
    assert found.is_drift


def test_other_rows_are_refused(detectors: DriftDetectors):
    rows = draw_rows(50, 1)
    with pytest.raises(
        ModelError, match="49 rows are too few: the smallest calibrated window has 50"
    ):
        detectors.check(rows.newest(49))
    with pytest.raises(
        ModelError, match=r"uae has \(3,\) columns a row and the reference set \(4,\)"
    ):
        detectors.check(replace(rows, uae=rows.uae[:, :3]))
    spoilt = rows.bbsd.copy()
    spoilt[7, 1] = np.nan
    with pytest.raises(ModelError, match="bbsd has values that are not finite"):
        detectors.check(replace(rows, bbsd=spoilt))
    with pytest.raises(ModelError, match="indices from 3 to 3, and the model 3 classes"):
        detectors.check(replace(rows, classes=np.full(50, 3)))


def test_the_file_is_json_and_comes_back(tmp_path: Path):
    file = detector_file(100)
    assert write_detectors(tmp_path, file) == tmp_path / "drift" / "detectors.json"
    assert read_detectors(tmp_path) == file
    document = json.loads((tmp_path / "drift" / "detectors.json").read_text())
    assert document["thresholds"]["uae"] == {"50": 0.01, "100": 0.01}
    assert document["false_alarms"] == DRIFT.false_alarms == "1 per 1 days at 200 images per day"


def test_a_bundle_without_detectors_says_so(tmp_path: Path):
    with pytest.raises(BundleError, match=r"has no drift detectors .*train again"):
        DriftDetectors.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"thresholds": {}}, "thresholds must name the views"),
        ({"sizes": [100, 50]}, r"sizes \(100, 50\) must rise"),
        ({"sizes": [50]}, "thresholds of uae must name the sizes"),
        ({"views": ["uae", "pixels"]}, "view 'pixels' is none of uae, bbsd"),
        ({"backend": "torch"}, "backend: Input should be 'alibi' or 'scipy'"),
        ({"colour": 1}, "colour: Extra inputs are not permitted"),
        ({"level": 0.0}, "level: Input should be greater than 0"),
    ],
)
def test_a_damaged_file_names_what_is_wrong(tmp_path: Path, change, problem: str):
    path = write_detectors(tmp_path, detector_file(100))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BundleError, match=rf"holds no detectors: .*{problem}.*make a new bundle"):
        read_detectors(tmp_path)


def test_another_reference_set_is_refused(bundle: Path, tmp_path: Path):
    write_detectors(tmp_path, read_detectors(bundle).model_copy(update={"n_reference": 299}))
    (tmp_path / "reference.parquet").write_bytes((bundle / "reference.parquet").read_bytes())
    with pytest.raises(BundleError, match=r"calibrated with 299 reference rows, and .* has 300"):
        DriftDetectors.load(tmp_path)
