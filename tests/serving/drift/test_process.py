"""What the checking process answers, asked in this process; and which examples it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.drift.making import layout_of, make_rows
from serving.drift.process import Checker
from serving.drift.rows import Layout
from serving.drift.window import Window
from serving.record import PredictionRecord
from tests.serving.drift.samples import copied, predictions, without_numbers
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


def written(folder: Path, records: list[PredictionRecord]) -> str:
    layout = layout_of(records[0])
    window = Window(folder / "window", 100)
    window.append(make_rows(records, layout), layout)
    window.close()
    return str(window.path)


def check(bundle: Path, window: str, most: int | None = None) -> dict[str, Any]:
    checker = Checker()
    found = checker.answer({"number": 1, "load": str(bundle)})
    assert found.pop("cpu_s") >= 0.0
    assert found == {"number": 1, "loaded": str(bundle)}
    found = checker.answer({"number": 2, "window": window, "most": most})
    assert found.pop("number") == 2
    assert 0.0 < found.pop("cpu_s") < 60.0
    return found


def test_a_smaller_window_limits_the_sizes(
    drift_bundle: Path, model: ServingModel, tmp_path: Path
) -> None:
    window = written(tmp_path, predictions(model, 100))
    found = check(drift_bundle, window, most=60)
    assert {test["n_images"] for test in found["tests"]} == {20, 50}
    assert found["n_images"] == 60
    said = "ModelError: 10 rows are too few: the smallest calibrated window has 20"
    assert check(drift_bundle, window, most=10) == {"error": said}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise", "RuntimeError: the detector was told to fail"),
        ("nan", "ModelError: uae at 20 images: statistic "),
    ],
)
def test_dr01_a_detector_that_fails_is_a_sentence(
    drift_bundle: Path,
    model: ServingModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    said: str,
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", fault)
    window = written(tmp_path, predictions(model, 30))
    assert check(drift_bundle, window)["error"].startswith(said)


def test_older_rows_take_the_places_of_those_that_are_not_finite(
    drift_bundle: Path, model: ServingModel, tmp_path: Path
) -> None:
    usual, strange = predictions(model, 40), predictions(model, 60, shift=60, first=40)
    window = written(tmp_path, [*usual, *strange[:50], *without_numbers(strange[50:55])])
    found = check(drift_bundle, window, most=50)
    assert (found["n_images"], found["is_drift"], found["n_seen"]) == (50, True, 95)
    assert found["detail"] == "Passed over: 5 predictions with values that are not finite."
    assert {test["n_images"] for test in found["tests"]} == {20, 50}
    examples = {each["request_id"] for each in found["examples"]}
    assert len(examples) == 8
    assert examples <= {f"r{index:05d}" for index in range(40, 90)}


def test_a_row_that_is_not_finite_and_old_is_not_told(
    drift_bundle: Path, model: ServingModel, tmp_path: Path
) -> None:
    records = predictions(model, 61)
    window = written(tmp_path, [*without_numbers(records[:1]), *records[1:]])
    assert check(drift_bundle, window, most=60)["detail"] == ""


@pytest.mark.parametrize("damage", ["detectors", "reference", "text", "rows"])
def test_dr01_detectors_that_cannot_be_had_are_a_sentence(
    drift_bundle: Path, tmp_path: Path, damage: str
) -> None:
    bundle = copied(drift_bundle, tmp_path / "damaged")
    file = bundle / "drift" / "detectors.json"
    if damage == "detectors":
        file.unlink()
        said = "has no drift detectors"
    elif damage == "rows":
        file.write_text(file.read_text().replace('"n_reference": 300', '"n_reference": 299'))
        said = "calibrated with 299 reference rows"
    else:
        (bundle / "reference.parquet").unlink()
        if damage == "text":
            (bundle / "reference.parquet").write_text("no parquet")
        said = "cannot be used as a reference set"
    found = Checker().answer({"number": 1, "load": str(bundle)})
    assert found["error"].startswith("BundleError: ")
    assert said in found["error"]


def test_dr01_vectors_of_another_length_are_a_sentence(drift_bundle: Path, tmp_path: Path) -> None:
    layout = Layout(5, 3, 3)
    window = Window(tmp_path, 100)
    window.append(np.zeros(60, layout.dtype), layout)
    said = check(drift_bundle, str(window.path))["error"]
    assert said.startswith("ModelError: uae has (5,) columns a row and the reference set (3,)")


def test_dr01_a_window_that_is_gone_is_a_sentence(drift_bundle: Path, tmp_path: Path) -> None:
    assert check(drift_bundle, str(tmp_path / "none"))["error"].startswith("FileNotFoundError: ")


def test_the_predictions_that_moved_most_are_named(
    drift_bundle: Path, model: ServingModel, tmp_path: Path
) -> None:
    usual = predictions(model, 60)
    strange = predictions(model, 40, shift=25, first=60)
    far = predictions(model, 100, shift=90, first=60)[3]
    window = written(tmp_path, [*usual, *strange[:5], far, *strange[5:]])
    found = check(drift_bundle, window)
    assert found["is_drift"]
    examples = found["examples"]
    assert len(examples) == 8
    assert examples[0]["request_id"] == "r00063"
    assert examples[0]["time"] == far.time.timestamp()
    assert {each["view"] for each in examples} <= set(found["moved"])
    distances = [each["distance"] for each in examples]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.3 * distances[-1]


def test_examples_of_other_classes_are_of_the_class_that_became_frequent(
    drift_bundle: Path, model: ServingModel, tmp_path: Path
) -> None:
    usual = predictions(model, 300)
    red = [each for each in usual if each.label == "red"]
    other = [each for each in usual if each.label != "red"]
    window = written(tmp_path, [*other[:10], *red[:60]])
    found = check(drift_bundle, window)
    assert "classes" in found["moved"]
    classes = {each.request_id: each.label for each in usual}
    assert {classes[each["request_id"]] for each in found["examples"]} == {"red"}
