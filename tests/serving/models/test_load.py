"""Tests of serving/models/load.py and screen.py: what is refused, before anything is loaded."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from serving.models.load import load_model
from serving.models.state import ModelRefused
from tests.fake_bundle import NAME, VERSION, build_graph, seal, write_fake_bundle
from vision.bundles.load import ServingModel, ServingOutput

pytestmark = [pytest.mark.unit, pytest.mark.fault]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each graph that is given to ONNX Runtime."""
    import vision.bundles.load as module

    calls: list[str] = []
    original = module.open_graph

    def watched(path: Path) -> object:
        calls.append(path.name)
        return original(path)

    monkeypatch.setattr(module, "open_graph", watched)
    return calls


def flip_byte(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))


def keras_archive(config: object) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n")
    return archive.getvalue()


LAMBDA = {"config": {"layers": [{"class_name": "Dense"}, {"class_name": "Lambda"}]}}


def change(name: str, data: bytes | None) -> Callable[[Path], None]:
    """Writes a file after the manifest was made; None removes it."""

    def apply(folder: Path) -> None:
        if data is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(data)

    return apply


def made_with(name: str, data: bytes | None) -> Callable[[Path], None]:
    """Makes a bundle whose manifest knows the changed file."""

    def apply(folder: Path) -> None:
        change(name, data)(folder)
        seal(folder)

    return apply


def other_classes(folder: Path) -> None:
    seal(folder, classes=("red", "green"))


def truncated(folder: Path) -> None:
    os.truncate(folder / "serving.onnx", 100)


MU01 = {
    "flipped-graph": (lambda at: flip_byte(at, "serving.onnx"), "files", "serving.onnx was chan"),
    "flipped-labels": (lambda at: flip_byte(at, "labels.json"), "files", "labels.json was changed"),
    "flipped-golden": (lambda at: flip_byte(at, "golden/00.png"), "files", "golden/00.png was ch"),
    "truncated-graph": (truncated, "files", "found 100 bytes"),
    "lost-graph": (change("serving.onnx", None), "files", "serving.onnx is missing"),
    "lost-labels": (change("labels.json", None), "files", "labels.json is missing"),
    "unlisted": (change("model.h5", b"x"), "files", "model.h5 is not in the manifest"),
    "no-manifest": (change("manifest.json", None), "manifest", "it has no manifest.json"),
    "cut-manifest": (change("manifest.json", b'{"name":'), "manifest", "no valid manifest"),
    "no-labels": (made_with("labels.json", None), "labels", "labels.json cannot be read"),
    "fewer-labels": (made_with("labels.json", b'["red", "green"]'), "labels", "disagree"),
    "class-count": (other_classes, "labels", "labels.json and the manifest disagree"),
    "pickle": (made_with("extra.bin", pickle.dumps({})), "forbidden", "extra.bin is a pickle"),
    "pickled-graph": (made_with("serving.onnx", pickle.dumps([1])), "forbidden", "is a pickle"),
    "h5": (made_with("model.h5", b"x"), "forbidden", "model.h5 is a .h5 file"),
    "disguised-h5": (
        made_with("model.keras", b"\x89HDF\r\n\x1a\n" + b"0" * 8), "forbidden", "is an HDF5 file"
    ),
    "lambda": (made_with("model.keras", keras_archive(LAMBDA)), "forbidden", "a Lambda layer"),
}  # fmt: skip


@pytest.mark.parametrize("case", MU01)
def test_mu01_refused_before_a_graph_is_opened(bundle: Path, opened: list[str], case: str) -> None:
    spoil, reason, words = MU01[case]
    spoil(bundle)
    with pytest.raises(ModelRefused, match=words) as caught:
        load_model(bundle)
    assert caught.value.reason == reason
    assert opened == []
    assert str(bundle) not in str(caught.value)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (b"", "no graph that ONNX Runtime can open"),
        (b"x" * 1000, "no graph that ONNX Runtime can open"),
        (build_graph(n_classes=2), "2 columns for 3 classes"),
        (build_graph((9, 9)), "and must take"),
    ],
)
def test_mu01_a_graph_that_is_none_or_fits_no_labels(
    bundle: Path, graph: bytes, words: str
) -> None:
    made_with("serving.onnx", graph)(bundle)
    with pytest.raises(ModelRefused, match=words) as caught:
        load_model(bundle)
    assert caught.value.reason == "graph"


def test_mu01_a_device_in_the_place_of_a_file_is_not_read(bundle: Path) -> None:
    (bundle / "labels.json").unlink()
    os.mkfifo(bundle / "labels.json")
    with pytest.raises(ModelRefused, match=r"labels\.json is no plain file") as caught:
        load_model(bundle)
    assert caught.value.reason == "files"


def test_mu01_a_link_in_the_place_of_a_file_is_refused(bundle: Path, tmp_path: Path) -> None:
    (bundle / "labels.json").rename(tmp_path / "labels.json")
    (bundle / "labels.json").symlink_to(tmp_path / "labels.json")
    with pytest.raises(ModelRefused, match=r"labels\.json is a symbolic link") as caught:
        load_model(bundle)
    assert caught.value.reason == "files"


def test_mu06_a_model_that_forgot_its_answers_is_refused(bundle: Path) -> None:
    made_with("serving.onnx", build_graph(scale=5.0))(bundle)
    with pytest.raises(ModelRefused, match=r"golden/00\.png should be 'red'.*differ by") as caught:
        load_model(bundle)
    assert caught.value.reason == "golden"


def test_mu06_a_graph_that_fails_while_it_runs_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ServingModel, images: npt.NDArray[np.uint8]) -> None:
        if len(images) == 1:
            raise RuntimeError("no such operation")

    monkeypatch.setattr(ServingModel, "check_golden", lambda self: 0.0)
    monkeypatch.setattr(ServingModel, "predict", fail)
    with pytest.raises(ModelRefused, match="the graph does not run: no such operation") as caught:
        load_model(bundle)
    assert caught.value.reason == "graph"


def test_mu06_golden_images_and_a_warm_up_come_before_the_first_request(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    original = ServingModel.predict

    def watched(self: ServingModel, images: npt.NDArray[np.uint8]) -> ServingOutput:
        sizes.append(len(images))
        return original(self, images)

    monkeypatch.setattr(ServingModel, "predict", watched)
    assert load_model(bundle).manifest.version == VERSION
    assert sizes == [3, 1, 1, 1]


def test_a_good_keras_archive_is_let_through(bundle: Path) -> None:
    archive = keras_archive({"config": {"name": "Lambda", "layers": [{"class_name": "Dense"}]}})
    made_with("model.keras", archive)(bundle)
    assert load_model(bundle).manifest.version == VERSION


@pytest.mark.parametrize("identity", [(NAME, "v9"), ("others", VERSION), ("Colours", VERSION)])
def test_a_bundle_that_says_it_is_another_is_refused(
    bundle: Path, identity: tuple[str, str]
) -> None:
    message = f"{' '.join(identity)} says that it is 'colours' version '{VERSION}'"
    with pytest.raises(ModelRefused, match=message) as caught:
        load_model(bundle, identity)
    assert caught.value.reason == "manifest"


def test_a_stop_ends_a_load_between_its_steps(tmp_path: Path, opened: list[str]) -> None:
    write_fake_bundle(tmp_path / "bundle")
    with pytest.raises(ModelRefused, match="the service is stopping") as caught:
        load_model(tmp_path / "bundle", is_stopped=lambda: bool(opened))
    assert caught.value.reason == "stopping"
    assert opened == ["serving.onnx"]
