from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.synthetic import make_table
from vision.config import AugmentationConfig, EvaluationConfig, ModelConfig, TrainingConfig
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ModelError, StackError
from vision.evaluation import evaluate_model
from vision.image_source import CachedImages, StreamedImages, open_images
from vision.training.fit import train_model

MODEL = ModelConfig(name="colours", input_size=(24, 20))
TRAINING = TrainingConfig(epochs=2, batch_size=16, learning_rate=3e-3, seed=7)
ONE_EPOCH = {"epoch": [1], "val_loss": [0.5]}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=24)


@pytest.fixture(scope="module")
def trained(table):
    return train_model(MODEL, TRAINING, AugmentationConfig(), table)


@pytest.mark.slow
def test_it_learns_what_can_be_learnt(table):
    longer = TRAINING.model_copy(update={"epochs": 6})
    trained = train_model(MODEL, longer, AugmentationConfig(), table)
    report = evaluate_model(trained.predict, table, MODEL.input_size, EvaluationConfig())
    assert report.metrics["accuracy"] >= 0.95


def test_the_same_seed_gives_identical_metrics_and_weights(table, trained):
    again = train_model(MODEL, TRAINING, AugmentationConfig(), table)
    numbers = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert again.history[numbers].equals(trained.history[numbers])
    for one, other in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_another_seed_gives_other_weights(table, trained):
    other = train_model(MODEL, TRAINING.model_copy(update={"seed": 8}), AugmentationConfig(), table)
    assert other.history["loss"].tolist() != trained.history["loss"].tolist()


@pytest.mark.slow
def test_streaming_gives_the_same_metrics_as_the_cache(table, trained, monkeypatch):
    monkeypatch.setattr("vision.training.fit._BYTES_PER_MB", 1)
    streamed = train_model(MODEL, TRAINING, AugmentationConfig(), table)
    numbers = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert streamed.history[numbers].equals(trained.history[numbers])


@pytest.mark.slow
def test_history_has_a_row_per_epoch_and_the_callback_hears_each(table):
    heard: list[tuple[int, dict[str, float]]] = []
    trained = train_model(
        MODEL,
        TRAINING,
        AugmentationConfig(backend="none"),
        table,
        on_epoch=lambda epoch, metrics: heard.append((epoch, metrics)),
    )
    assert trained.history["epoch"].tolist() == [1, 2]
    assert [epoch for epoch, _ in heard] == [1, 2]
    assert heard[1][1]["val_loss"] == trained.history.loc[1, "val_loss"]
    assert trained.best_epoch in (1, 2)


@pytest.mark.slow
def test_the_best_weights_are_kept(table):
    # A rate this high makes later epochs worse; the kept weights must be those of the best one.
    wild = TRAINING.model_copy(update={"epochs": 5, "learning_rate": 0.05})
    trained = train_model(MODEL, wild, AugmentationConfig(backend="none"), table)
    report = evaluate_model(
        trained.predict, table, MODEL.input_size, EvaluationConfig(split="validation")
    )
    best = trained.history.loc[trained.history["epoch"] == trained.best_epoch].iloc[0]
    assert report.metrics["accuracy"] == pytest.approx(best["val_accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("bytes_per_mb", "kinds"),
    [
        (6_000, [StreamedImages, StreamedImages]),
        # Each split takes 103,680 bytes: one fits, both together do not.
        (10_000, [CachedImages, StreamedImages]),
        (13_000, [CachedImages, CachedImages]),
    ],
)
def test_the_budget_is_one_for_both_splits(table, monkeypatch, bytes_per_mb, kinds):
    opened = []

    def watched(*arguments, **options):
        opened.append(open_images(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr("vision.training.fit.open_images", watched)
    monkeypatch.setattr("vision.training.fit._BYTES_PER_MB", bytes_per_mb)
    monkeypatch.setattr("vision.training.fit._fit", lambda *_: pd.DataFrame(ONE_EPOCH))
    smallest = TRAINING.model_copy(update={"memory_budget_mb": 16})
    train_model(MODEL, smallest, AugmentationConfig(backend="none"), table)
    assert [type(source) for source in opened] == kinds


def test_an_empty_split_is_named(table):
    rows = table.frame[table.frame["split"] != "validation"]
    without = AnnotationTable.from_rows(table.root, rows.to_dict("records"))
    with pytest.raises(DatasetError, match=r"split validation of .* has no image"):
        train_model(MODEL, TRAINING, AugmentationConfig(), without)


@pytest.mark.slow
def test_a_loss_that_is_no_number_stops_with_the_next_move(table, monkeypatch):
    monkeypatch.setattr(
        "vision.training.feed._order", lambda n_images, seed, epoch: np.arange(n_images)
    )
    broken = np.full((72, 3), np.nan, np.float32)
    monkeypatch.setattr("vision.training.fit._targets", lambda table, rows: broken[: len(rows)])
    with pytest.raises(ModelError, match="the loss is nan after epoch 1; lower"):
        train_model(MODEL, TRAINING, AugmentationConfig(backend="none"), table)


def test_a_stack_that_requires_a_gpu_refuses_without_one(table, monkeypatch):
    monkeypatch.setenv("VISIONSTACK_REQUIRE_GPU", "1")
    with pytest.raises(StackError, match="requires a GPU and TensorFlow sees none"):
        train_model(MODEL, TRAINING, AugmentationConfig(), table)


@pytest.mark.slow
def test_mixed_precision_trains_in_half_and_returns_full_precision(table, monkeypatch):
    monkeypatch.setenv("VISIONSTACK_MIXED_PRECISION", "1")
    trained = train_model(
        MODEL, TRAINING.model_copy(update={"epochs": 1}), AugmentationConfig(), table
    )
    assert {layer.compute_dtype for layer in trained.model.layers} == {"float32"}
    assert trained.predict(np.zeros((2, 24, 20, 3), np.uint8)).sum() == pytest.approx(2.0, abs=1e-5)


def test_a_vanished_image_is_named(tmp_path: Path):
    table = make_table(tmp_path, n_per_class=4)
    gone = table.root / table.rows("train")["path"][0]
    gone.unlink()
    with pytest.raises(DatasetError, match="cannot be read"):
        train_model(MODEL, TRAINING, AugmentationConfig(), table)
