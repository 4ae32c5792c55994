import zipfile
from pathlib import Path

import numpy as np
import pytest

from vision.config import ModelConfig, TrainingConfig
from vision.errors import ModelError
from vision.models.build import build_model, load_model, predictor
from vision.models.untrained_encoder import untrained_encoder
from vision.quiet import import_tensorflow

ARCHITECTURES = (
    "small_cnn",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("mobilenet_v3_small", "efficientnet_v2_b0", "resnet50")
    ),
)


def build(architecture: str = "small_cnn", size=(32, 32), n_classes: int = 4, weights=None):
    config = ModelConfig(name="m", architecture=architecture, input_size=size, weights=weights)
    return build_model(config, TrainingConfig(), n_classes)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_maps_uint8_to_probabilities(architecture):
    model = build(architecture)
    assert model.input_shape == (None, 32, 32, 3)
    assert model.input.dtype == "uint8"
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    probabilities = predictor(model)(images)
    assert probabilities.shape == (3, 4)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert [layer.name for layer in model.layers[-4:]] == [
        "pool",
        "dropout",
        "logits",
        "probabilities",
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((8, 8), (8, 8)),
        ((32, 32), (8, 8)),
        ((32, 64), (8, 16)),
        ((96, 96), (12, 12)),
        ((224, 224), (14, 14)),
    ],
)
def test_small_cnn_keeps_a_map_worth_looking_at(size, expected):
    model = build(size=size)
    assert model.get_layer("pool").input.shape[1:3] == expected


def test_constant_images_give_finite_probabilities():
    for level in (0, 255):
        probabilities = predictor(build())(np.full((1, 32, 32, 3), level, np.uint8))
        assert np.isfinite(probabilities).all()


def test_one_class_is_refused():
    with pytest.raises(ModelError, match="n_classes = 1: a classifier needs at least two"):
        build(n_classes=1)


def test_backbone_weights_are_read_from_a_local_file(tmp_path: Path):
    import_tensorflow()
    from keras import applications

    path = tmp_path / "backbone.weights.h5"
    source = applications.MobileNetV3Small(
        input_shape=(32, 32, 3), include_top=False, weights=None, include_preprocessing=False
    )
    source.save_weights(path)
    model = build("mobilenet_v3_small", weights=path)
    backbone = next(layer for layer in model.layers if "mobilenet" in layer.name.lower())
    for one, other in zip(backbone.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_of_another_backbone_are_refused(tmp_path: Path):
    path = tmp_path / "wrong.weights.h5"
    build().save_weights(path)
    with pytest.raises(ModelError, match="not weights of MobileNetV3Small without its top layers"):
        build("mobilenet_v3_small", weights=path)


def test_a_saved_model_comes_back_with_the_same_answers(tmp_path: Path):
    model = build()
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predictor(loaded)(images), predictor(model)(images))


def test_h5_and_damaged_files_are_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"models are \.keras files"):
        load_model(tmp_path / "model.h5")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(ModelError, match="cannot be loaded in safe mode"):
        load_model(tmp_path / "cut.keras")


def test_a_lambda_layer_is_refused_and_never_run(tmp_path: Path):
    import_tensorflow()
    import keras

    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    model.save(tmp_path / "lambda.keras")
    assert "Lambda" in zipfile.ZipFile(tmp_path / "lambda.keras").read("config.json").decode()
    with pytest.raises(ModelError, match="holds code such as a Lambda layer"):
        load_model(tmp_path / "lambda.keras")


def test_the_untrained_encoder_is_the_same_for_the_same_seed():
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 32, 3)).astype(np.float32)
    one = untrained_encoder((40, 32), 32, seed=0)(images).numpy()
    same = untrained_encoder((40, 32), 32, seed=0)(images).numpy()
    other = untrained_encoder((40, 32), 32, seed=1)(images).numpy()
    assert one.shape == (3, 32)
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("size", [(8, 8), (31, 50), (224, 224), (96, 64)])
def test_the_untrained_encoder_takes_any_size(size):
    images = np.zeros((2, *size, 3), np.float32)
    assert untrained_encoder(size, 16, seed=0)(images).shape == (2, 16)
