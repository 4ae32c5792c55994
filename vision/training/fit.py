"""Trains a classifier on an annotation table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.augmentation import build_augmenter
from vision.config import AugmentationConfig, ModelConfig, TrainingConfig
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.image_source import ImageSource, open_images
from vision.models.build import build_model, predictor
from vision.training.device import Device, prepare_device
from vision.training.feed import Floats, ordered_feed, training_feed
from vision.training.recorder import OnEpoch, Recording, recorder

_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class TrainedModel:
    """A trained classifier and how it got there.

    Attributes:
      model: the ``keras.Model`` with the weights of its best epoch.
      history: one row per epoch with ``epoch`` (from 1), ``loss``, ``accuracy``, ``val_loss``,
        ``val_accuracy``, ``learning_rate`` and ``seconds``.
      best_epoch: the epoch with the lowest validation loss.
    """

    model: Any
    history: pd.DataFrame
    best_epoch: int

    @cached_property
    def predict(self) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
        """From ``(n, height, width, 3)`` RGB uint8 to ``(n, n_classes)`` probabilities."""
        return predictor(self.model)


def train_model(
    model: ModelConfig,
    training: TrainingConfig,
    augmentation: AugmentationConfig,
    table: AnnotationTable,
    on_epoch: OnEpoch | None = None,
) -> TrainedModel:
    """Trains on the table's ``train`` split and keeps the weights that validate best.

    Args:
      model: what is trained.
      training: how long and how fast, and the seed.
      augmentation: how training images are varied.
      table: the images; its ``train`` and ``validation`` splits are read.
      on_epoch: called after each epoch with its number from 1 and its metrics.

    Raises:
      DatasetError: a split is empty.
      ModelError: the loss became NaN or infinite.
      StackError: the stack requires a GPU and there is none.
    """
    device = prepare_device(training.seed, training.deterministic)
    network = build_model(model, training, len(table.classes))
    budget_bytes = training.memory_budget_mb * _BYTES_PER_MB
    images, targets = _open_split(table, "train", model.input_size, budget_bytes)
    # One budget for both: the training images come first, as they are read in every epoch too.
    left_bytes = budget_bytes - images.n_bytes
    held_out = _open_split(table, "validation", model.input_size, left_bytes)
    augment = build_augmenter(augmentation)
    feed = training_feed(images, targets, training.batch_size, augment, training.seed)
    _compile(network, training, device, n_steps=len(feed) * training.epochs)
    validation = ordered_feed(*held_out, training.batch_size)
    history = _fit(network, feed, validation, training, on_epoch)
    best = int(history["epoch"].iloc[history["val_loss"].argmin()])
    return TrainedModel(_in_full_precision(network, model, training, table), history, best)


def _open_split(
    table: AnnotationTable, split: str, input_size: tuple[int, int], budget_bytes: int
) -> tuple[ImageSource, Floats]:
    rows = table.rows(split)
    if rows.empty:
        raise DatasetError(
            f"split {split} of {table.root} has no image, and training needs some; "
            "add images to it, or load the dataset with a larger share in dataset.split"
        )
    images = open_images(
        table.root,
        list(rows["path"]),
        input_size,
        budget_bytes,
        doing=f"decoding {split}",
    )
    targets = _targets(table, rows)
    return images, targets


def _targets(table: AnnotationTable, rows: pd.DataFrame) -> Floats:
    """Returns one-hot rows, ``(n, n_classes)``."""
    return np.eye(len(table.classes), dtype=np.float32)[table.class_index(rows["label"])]


def _compile(network: Any, training: TrainingConfig, device: Device, n_steps: int) -> None:
    import keras

    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=training.learning_rate / 10,
        warmup_target=training.learning_rate,
        warmup_steps=min(n_steps // 20, 500),
        decay_steps=max(1, n_steps - min(n_steps // 20, 500)),
        alpha=0.01,
    )
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=training.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=training.label_smoothing),
        metrics=["accuracy"],
        jit_compile=device.is_xla,
    )


def _fit(
    network: Any, feed: Any, validation: Any, training: TrainingConfig, on_epoch: OnEpoch | None
) -> pd.DataFrame:
    """Trains until the epochs or the patience are used up; returns a row per epoch."""
    recording = Recording(training, on_epoch)
    network.fit(
        feed,
        validation_data=validation,
        epochs=training.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[recorder(recording), _early_stopping(training)],
    )
    return pd.DataFrame(recording.rows)


def _in_full_precision(
    network: Any, model: ModelConfig, training: TrainingConfig, table: AnnotationTable
) -> Any:
    """Returns the same weights in a float32 model: half precision is for training only."""
    import keras

    if keras.mixed_precision.dtype_policy().name == "float32":
        return network
    keras.mixed_precision.set_dtype_policy("float32")
    served = build_model(model, training, len(table.classes))
    served.set_weights(network.get_weights())
    return served


def _early_stopping(training: TrainingConfig) -> Any:
    import keras

    return keras.callbacks.EarlyStopping(
        monitor="val_loss",
        patience=training.patience,
        # They come back also when the last epoch was reached without stopping early.
        restore_best_weights=True,
    )
