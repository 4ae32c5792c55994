"""Tests of vision/bundles/load.py and vision/bundles/graph.py."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.fake_bundle import (
    CLASSES,
    build_graph,
    expected_probabilities,
    seal,
    solid_image,
    write_fake_bundle,
)
from vision.bundles.graph import n_threads
from vision.bundles.load import ServingModel
from vision.errors import BundleError, ModelError
from vision.home import repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_predictions_are_those_worked_out_by_hand(folder: Path) -> None:
    images = np.stack([solid_image(label) for label in CLASSES])
    output = ServingModel.load(folder).predict(images)
    expected = np.stack([expected_probabilities(image) for image in images])
    np.testing.assert_allclose(output.probabilities, expected, atol=1e-6)
    assert output.probabilities.dtype == np.float32
    assert output.embedding_uae.shape == (3, 3)
    np.testing.assert_array_equal(output.embedding_bbsd, output.probabilities)
    assert output.activation_map.shape == (3, 8, 8)


def test_the_batch_is_free(folder: Path) -> None:
    model = ServingModel.load(folder)
    assert model.predict(np.zeros((1, 8, 8, 3), np.uint8)).probabilities.shape == (1, 3)
    assert model.predict(np.zeros((33, 8, 8, 3), np.uint8)).probabilities.shape == (33, 3)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((1, 9, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 4), np.uint8),
        np.zeros((1, 3, 8, 8), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_other_types_and_shapes_are_refused(folder: Path, images: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(ModelError, match=r"must be uint8 \(n, 8, 8, 3\) with n >= 1; read them"):
        ServingModel.load(folder).predict(images)


def test_a_loaded_model_cannot_be_changed(folder: Path) -> None:
    model = ServingModel.load(folder)
    with pytest.raises(FrozenInstanceError):
        model.folder = Path("elsewhere")  # type: ignore[misc]


def test_a_loaded_model_outlives_its_folder(folder: Path) -> None:
    model = ServingModel.load(folder)
    folder.rename(folder.parent / "moved")
    assert model.predict(solid_image("red")[None]).probabilities.argmax() == 0


def test_threads_get_the_same_answers(folder: Path) -> None:
    model = ServingModel.load(folder)
    labels = [CLASSES[index % 3] for index in range(300)]
    with ThreadPoolExecutor(8) as pool:
        outputs = pool.map(lambda label: model.predict(solid_image(label)[None]), labels)
    assert [CLASSES[int(output.probabilities.argmax())] for output in outputs] == labels


def test_golden_images_give_their_stored_answers(folder: Path) -> None:
    assert ServingModel.load(folder).check_golden() < 1e-6


def change_golden(folder: Path, change: dict[str, object]) -> None:
    path = folder / "golden/expected.json"
    content = json.loads(path.read_text())
    content["images"][1].update(change)
    path.write_text(json.dumps(content))
    seal(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"probabilities": [1.0, 0.0, 0.0], "label": "red"},
            r"01\.png should be 'red' and is 'gre",
        ),
        ({"file": "golden/99.png"}, r"names 'golden/99\.png', which the manifest does not list"),
        ({"probabilities": [0.5, 0.5]}, r"01\.png has 2 probabilities for 3 classes"),
        ({"probabilities": "none"}, "holds no golden images"),
    ],
)
def test_a_wrong_golden_answer_is_named(
    folder: Path, change: dict[str, object], message: str
) -> None:
    change_golden(folder, change)
    with pytest.raises(BundleError, match=message):
        ServingModel.load(folder).check_golden()


def test_a_stored_nan_is_no_answer(folder: Path) -> None:
    path = folder / "golden/expected.json"
    content = json.loads(path.read_text())
    content["images"][0]["probabilities"] = [float("nan")] * 3
    path.write_text(json.dumps(content))
    seal(folder)
    with pytest.raises(BundleError, match="golden"):
        ServingModel.load(folder).check_golden()


def test_a_golden_image_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "golden/02.png").write_bytes(b"no image")
    seal(folder)
    with pytest.raises(BundleError, match=r"golden/02\.png cannot be read"):
        ServingModel.load(folder).check_golden()


def test_files_are_verified_before_the_graph_is_opened(folder: Path) -> None:
    (folder / "serving.onnx").write_bytes(b"\x80\x04pickle")
    with pytest.raises(BundleError, match=r"serving\.onnx was changed: expected"):
        ServingModel.load(folder)


@pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", b"x" * 1000])
def test_what_is_no_graph_is_refused(folder: Path, data: bytes) -> None:
    (folder / "serving.onnx").write_bytes(data)
    seal(folder)
    with pytest.raises(BundleError, match=r"serving\.onnx is no graph that ONNX Runtime can open"):
        ServingModel.load(folder)


def test_a_graph_for_another_size_is_refused(folder: Path) -> None:
    (folder / "serving.onnx").write_bytes(build_graph((9, 9)))
    seal(folder)
    with pytest.raises(BundleError, match=r"takes .*\[9, 9, 3\].*, and must take .*\[8, 8, 3\]"):
        ServingModel.load(folder)


def test_a_graph_for_other_classes_is_refused(folder: Path) -> None:
    (folder / "serving.onnx").write_bytes(build_graph(n_classes=4))
    seal(folder)
    with pytest.raises(BundleError, match="probabilities has 4 columns for 3 classes"):
        ServingModel.load(folder)


def test_labels_and_manifest_must_agree(folder: Path) -> None:
    seal(folder, classes=("red", "blue", "green"))
    with pytest.raises(BundleError, match=r"labels\.json and the manifest disagree"):
        ServingModel.load(folder)


def test_one_thread_a_call_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISIONSTACK_SERVING_THREADS", raising=False)
    assert n_threads() == 1
    monkeypatch.setenv("VISIONSTACK_SERVING_THREADS", "4")
    assert n_threads() == 4


@pytest.mark.parametrize("value", ["0", "-1", "two", "", "1.5"])
def test_a_wrong_number_of_threads_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VISIONSTACK_SERVING_THREADS", value)
    with pytest.raises(BundleError, match=r"SERVING_THREADS=.*whole number of at least 1"):
        n_threads()


def test_loading_needs_no_training_package(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vision.bundles.load import ServingModel;"
        f"ServingModel.load(Path({str(folder)!r})).check_golden();"
        "print({'tensorflow', 'keras', 'pandas', 'pyarrow', 'zenml', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "set()\n"
    assert done.stderr == ""
