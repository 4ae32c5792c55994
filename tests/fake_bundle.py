"""A tiny real bundle, made by hand: a graph that tells red, green and blue images apart.

The probabilities are ``softmax(10 * mean(channel) / 255)``, so every answer can be worked out with
NumPy, and an image whose channels were swapped on the way gives the wrong colour. No TensorFlow.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from vision.bundles.files import list_files
from vision.bundles.manifest import Lineage, Manifest, Parity, Versions, write_manifest

CLASSES = ("red", "green", "blue")
COLOURS = {"red": (250, 20, 20), "green": (20, 250, 20), "blue": (20, 20, 250)}
NAME = "colours"
VERSION = "20260101-120000-0badcafe"
INPUT_SIZE = (8, 8)
SCALE = 10.0


def write_fake_bundle(
    folder: Path,
    *,
    name: str = NAME,
    version: str = VERSION,
    input_size: tuple[int, int] = INPUT_SIZE,
    scale: float = SCALE,
) -> Manifest:
    """Writes a complete bundle into ``folder``, which is created, and returns its manifest."""
    (folder / "golden").mkdir(parents=True)
    (folder / "serving.onnx").write_bytes(build_graph(input_size, scale))
    (folder / "model.keras").write_bytes(b"stands for the Keras model, which serving never opens")
    (folder / "reference.parquet").write_bytes(b"stands for the reference set")
    (folder / "labels.json").write_text(json.dumps(CLASSES))
    answers = []
    for index, label in enumerate(CLASSES):
        file = f"golden/{index:02d}.png"
        image = solid_image(label, input_size)
        (folder / file).write_bytes(encode_image(image))
        probabilities = expected_probabilities(image, scale).tolist()
        answers.append({"file": file, "label": label, "probabilities": probabilities})
    (folder / "golden/expected.json").write_text(json.dumps({"images": answers}))
    return seal(folder, name=name, version=version, input_size=input_size)


def seal(
    folder: Path,
    *,
    name: str = NAME,
    version: str = VERSION,
    input_size: tuple[int, int] = INPUT_SIZE,
    classes: tuple[str, ...] = CLASSES,
) -> Manifest:
    """Writes a manifest for whatever files are in ``folder`` now."""
    manifest = Manifest(
        name=name,
        version=version,
        created_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        architecture="by_hand",
        input_size=input_size,
        task="multiclass",
        classes=classes,
        n_parameters=0,
        files=list_files(folder),
        lineage=Lineage(data_digest="d" * 64, dataset_source="folder"),
        versions=Versions(python="3.11", numpy=np.__version__),
        metrics={"accuracy": 1.0},
        parity=Parity(n_images=3, max_difference=0.0, tolerance=1e-4),
    )
    write_manifest(folder, manifest)
    return manifest


def build_graph(
    input_size: tuple[int, int] = INPUT_SIZE, scale: float = SCALE, n_classes: int = 3
) -> bytes:
    """Returns the serialised graph; other than 3 classes gives one that fits no manifest here."""
    height, width = input_size
    weights = (np.eye(3, n_classes) * scale / 255).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("Identity", ["means"], ["embedding_uae"]),
        helper.make_node("Identity", ["probabilities"], ["embedding_bbsd"]),
        helper.make_node("Identity", ["logits"], ["embedding_penultimate"]),
        helper.make_node("ReduceMax", ["floats"], ["activation_map"], axes=[3], keepdims=0),
    ]
    outputs: dict[str, list[int | str]] = {
        "probabilities": ["n", n_classes],
        "embedding_uae": ["n", 3],
        "embedding_bbsd": ["n", n_classes],
        "embedding_penultimate": ["n", n_classes],
        "activation_map": ["n", height, width],
    }
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", height, width, 3])],
        [
            helper.make_tensor_value_info(key, TensorProto.FLOAT, shape)
            for key, shape in outputs.items()
        ],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def solid_image(label: str, size: tuple[int, int] = INPUT_SIZE) -> npt.NDArray[np.uint8]:
    """Returns an (height, width, 3) RGB image of one colour."""
    return np.full((*size, 3), COLOURS[label], np.uint8)


def expected_probabilities(
    image: npt.NDArray[np.uint8], scale: float = SCALE
) -> npt.NDArray[np.float64]:
    """Works out the three probabilities of an image with NumPy."""
    logits = image.reshape(-1, 3).mean(axis=0) * scale / 255
    exponents = np.exp(logits - logits.max())
    return np.asarray(exponents / exponents.sum())


def encode_image(image: npt.NDArray[np.uint8], extension: str = ".png") -> bytes:
    """Returns an RGB image as the bytes of a file."""
    return cv2.imencode(extension, image[..., ::-1])[1].tobytes()
