import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.drift_bundle import make_rows
from tests.synthetic import make_table
from vision.bundles.build import BundleSource, build_bundle
from vision.bundles.keys import read_keys
from vision.bundles.load import ServingModel
from vision.bundles.manifest import Lineage, read_manifest
from vision.bundles.signature import verify_bundle
from vision.config import AugmentationConfig, BundleConfig, DriftConfig, ModelConfig, TrainingConfig
from vision.drift.detectors import DriftDetectors
from vision.drift.names import PROPERTIES, VECTORS
from vision.errors import BundleError, DatasetError
from vision.images.decode import decode_image
from vision.images.measure import measure_image
from vision.images.preprocess import load_image, resize_image
from vision.properties import compute_properties
from vision.quiet import import_tensorflow
from vision.training.fit import train_model

MODEL = ModelConfig(name="colours", input_size=(24, 20))
BUNDLE = BundleConfig(n_reference=20, n_golden=5)
DRIFT = DriftConfig(
    backend="scipy",
    windows=(20, 36),
    every_n=10,
    false_alarms="1 per 1 days at 200 images per day",
    n_draws=400,
    n_power_images=0,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> BundleSource:
    table = make_table(tmp_path_factory.mktemp("images"), n_per_class=12)
    training = TrainingConfig(epochs=2, batch_size=12, seed=1)
    trained = train_model(MODEL, training, AugmentationConfig(backend="none"), table)
    metrics = {"accuracy": 0.9, "auc": float("nan")}
    lineage = Lineage(data_digest=table.digest, dataset_source="folder")
    return BundleSource(trained.model, table, compute_properties(table), metrics, lineage)


@pytest.fixture(scope="module")
def bundle(source, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONSTACK_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("VISIONSTACK_SIGNING_KEY", raising=False)
        return build_bundle(source, MODEL, BUNDLE, DRIFT)


def test_it_holds_what_the_service_needs(bundle):
    names = {path.relative_to(bundle.folder).as_posix() for path in bundle.folder.rglob("*.*")}
    assert names == {
        "manifest.json",
        "manifest.sig",
        "model.keras",
        "serving.onnx",
        "labels.json",
        "reference.parquet",
        "drift/detectors.json",
        "model_card.md",
        "golden/expected.json",
        *(f"golden/0{number}.png" for number in range(5)),
    }
    assert json.loads((bundle.folder / "labels.json").read_text()) == ["blue", "green", "red"]


def test_the_manifest_tells_where_it_came_from(bundle, source):
    manifest = read_manifest(bundle.folder)
    assert manifest == bundle.manifest
    assert bundle.folder.name == manifest.version
    assert bundle.folder.parent.name == "colours"
    assert manifest.classes == ("blue", "green", "red")
    assert manifest.metrics == {"accuracy": 0.9, "auc": None}
    assert manifest.lineage.data_digest == source.table.digest
    assert manifest.n_parameters == source.network.count_params()
    assert manifest.parity.n_images == 5
    assert 0.0 <= manifest.parity.max_difference <= 1e-4 == manifest.parity.tolerance


def test_se12_it_is_signed_with_the_key_of_the_home(bundle):
    home = bundle.folder.parents[2]
    keys = read_keys(str(home / "keys" / "signing.pub"))
    assert verify_bundle(bundle.folder, keys) == (bundle.folder / "manifest.json").read_bytes()


def test_it_loads_and_gives_its_golden_answers(bundle):
    assert ServingModel.load(bundle.folder).check_golden() <= 1e-6


def test_the_graph_gives_what_keras_gives(bundle, source):
    rows = source.table.rows("test")
    images = np.stack(
        [load_image((source.table.root / path).read_bytes(), (24, 20)) for path in rows["path"]]
    )
    served = ServingModel.load(bundle.folder).predict(images)
    expected = source.network.predict_on_batch(images)
    np.testing.assert_allclose(served.probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(served.embedding_bbsd, served.probabilities)
    assert served.embedding_uae.shape == (36, 32)


def test_the_activation_map_is_grad_cam(bundle, source):
    tensorflow = import_tensorflow()
    import keras

    images = np.random.default_rng(0).integers(0, 256, (4, 24, 20, 3), dtype=np.uint8)
    features = keras.Model(source.network.input, source.network.get_layer("pool").input)(images)
    with tensorflow.GradientTape() as tape:
        tape.watch(features)
        logits = source.network.get_layer("logits")(tensorflow.reduce_mean(features, [1, 2]))
        winning = tensorflow.reduce_max(logits, axis=1)
    weights = tensorflow.reduce_mean(tape.gradient(winning, features), [1, 2])
    expected = tensorflow.nn.relu(tensorflow.einsum("nhwc,nc->nhw", features, weights))
    served = ServingModel.load(bundle.folder).predict(images)
    np.testing.assert_allclose(served.activation_map, expected, atol=1e-5)


def test_every_reference_row_can_be_recomputed_from_its_image(bundle, source):
    reference = pq.read_table(bundle.folder / "reference.parquet").to_pandas()
    assert len(reference) == 20
    assert reference["path"].is_monotonic_increasing
    assert set(reference["path"].str.split("/").str[0]) == {"validation"}
    serving = ServingModel.load(bundle.folder)
    properties = source.properties.set_index("path")
    for row in reference.itertuples():
        data = (source.table.root / row.path).read_bytes()
        alone = serving.predict(load_image(data, (24, 20))[None])
        np.testing.assert_allclose(row.probabilities, alone.probabilities[0], atol=1e-6)
        for name in VECTORS.values():
            np.testing.assert_allclose(getattr(row, name), getattr(alone, name)[0], atol=1e-5)
        measured = measure_image(decode_image(data), len(data))
        for name in PROPERTIES:
            assert getattr(row, name) == properties.loc[row.path, name] == measured[name]


def test_what_the_detectors_compare_is_recomputed_from_each_image(bundle, source):
    detectors, serving = DriftDetectors.load(bundle.folder), ServingModel.load(bundle.folder)
    reference = pq.read_table(bundle.folder / "reference.parquet").to_pandas()
    images = [(source.table.root / path).read_bytes() for path in reference["path"]]
    alone = [serving.predict(load_image(data, (24, 20))[None]) for data in images]
    for view, name in VECTORS.items():
        values = np.concatenate([getattr(output, name) for output in alone])
        np.testing.assert_allclose(detectors.reference.view(view), values, atol=1e-5)
    classes = [output.probabilities[0].argmax() for output in alone]
    assert detectors.reference.classes.tolist() == classes


def test_its_drift_detectors_are_calibrated_and_work(bundle, source):
    detectors = DriftDetectors.load(bundle.folder)
    assert detectors.file.n_reference == 20
    assert detectors.file.n_classes == 3
    assert (detectors.sizes, detectors.alarm_rate) == ((20, 36), pytest.approx(0.05))
    rows = source.table.rows("test")
    images = [decode_image((source.table.root / path).read_bytes()) for path in rows["path"]]
    shuffled = np.random.default_rng(0).permutation(len(images))
    serving = ServingModel.load(bundle.folder)
    seen = make_rows(serving, np.stack([resize_image(images[i], (24, 20)) for i in shuffled]))
    assert not detectors.check(seen).is_drift
    dark = make_rows(serving, np.stack([resize_image(images[i] // 2, (24, 20)) for i in shuffled]))
    assert "properties" in detectors.check(dark).moved


def test_too_few_held_out_images_for_detectors_are_refused(source, home):
    few = BUNDLE.model_copy(update={"n_reference": 19})
    with pytest.raises(DatasetError, match=r"has 19 images .* dataset\.split\.validation"):
        build_bundle(source, MODEL, few, DRIFT)
    assert list((home / "bundles" / "colours").iterdir()) == []


def test_golden_images_take_the_classes_in_turn(bundle):
    expected = json.loads((bundle.folder / "golden" / "expected.json").read_text())["images"]
    assert [image["label"] for image in expected] == ["blue", "green", "red", "blue", "green"]


def test_a_graph_that_differs_from_keras_is_refused(source, home, monkeypatch):
    strict = BUNDLE.model_copy(update={"parity_tolerance": 1e-30})
    with pytest.raises(BundleError, match=r"differs from Keras by .* allowed are 1e-30"):
        build_bundle(source, MODEL, strict, DRIFT)
    assert list((home / "bundles" / "colours").iterdir()) == []


def test_an_empty_validation_split_is_refused(source, home):
    rows = source.table.frame[source.table.frame["split"] != "validation"]
    table = type(source.table).from_rows(source.table.root, rows.to_dict("records"))
    broken = BundleSource(source.network, table, source.properties, {}, Lineage())
    with pytest.raises(DatasetError, match="has no image for the reference set"):
        build_bundle(broken, MODEL, BUNDLE, DRIFT)


def test_a_changed_graph_is_refused_when_loaded(bundle, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(bundle.folder, copy)
    graph = bytearray((copy / "serving.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (copy / "serving.onnx").write_bytes(graph)
    with pytest.raises(BundleError, match=r"serving\.onnx was changed"):
        ServingModel.load(copy)


def test_properties_of_other_images_are_refused(source, home):
    fewer = source.properties.iloc[:-30]
    broken = BundleSource(source.network, source.table, fewer, {}, Lineage())
    with pytest.raises(DatasetError, match="have no row in the image-property table"):
        build_bundle(broken, MODEL, BUNDLE, DRIFT)
