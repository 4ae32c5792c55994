"""Records each epoch, shows its progress, and stops a training whose loss is no number."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from tqdm import tqdm

from vision.config import TrainingConfig
from vision.errors import ModelError
from vision.progress import say
from vision.quiet import import_tensorflow

OnEpoch = Callable[[int, dict[str, float]], None]

_LOGGED = ("loss", "accuracy", "val_loss", "val_accuracy")


class Recording:
    """What happened in each epoch of one training.

    Attributes:
      rows: per finished epoch ``epoch`` (from 1), ``loss``, ``accuracy``, ``val_loss``,
        ``val_accuracy``, ``learning_rate`` and ``seconds``.
    """

    def __init__(self, training: TrainingConfig, on_epoch: OnEpoch | None = None) -> None:
        """Starts with no epoch.

        Args:
          training: names the learning rate and the number of epochs in messages.
          on_epoch: called after each epoch with its number from 1 and its metrics.
        """
        self.rows: list[dict[str, float]] = []
        self._training = training
        self._on_epoch = on_epoch
        self._bar: tqdm[Any] | None = None
        self._started = 0.0

    def begin_epoch(self, epoch: int, n_batches: int) -> None:
        """Starts the clock, and a bar at a terminal."""
        self._started = time.monotonic()
        if sys.stderr.isatty():
            title = f"epoch {epoch} of {self._training.epochs}"
            self._bar = tqdm(total=n_batches, desc=title, unit=" batch", leave=False)

    def end_batch(self) -> None:
        """Moves the bar on by one batch."""
        if self._bar is not None:
            self._bar.update()

    def end_epoch(self, epoch: int, logs: Mapping[str, float], learning_rate: float) -> None:
        """Keeps the epoch's metrics and tells them.

        Raises:
          ModelError: the loss is no finite number.
        """
        if self._bar is not None:
            self._bar.close()
        row = {
            "epoch": epoch,
            **{name: float(logs[name]) for name in _LOGGED},
            "learning_rate": learning_rate,
            "seconds": time.monotonic() - self._started,
        }
        if not math.isfinite(row["loss"]):
            raise ModelError(
                f"training.learning_rate = {self._training.learning_rate:g}: the loss is "
                f"{row['loss']} after epoch {epoch}; lower training.learning_rate"
            )
        self.rows.append(row)
        say(_sentence(row, self._training.epochs))
        if self._on_epoch is not None:
            self._on_epoch(epoch, {name: row[name] for name in row if name != "epoch"})


def recorder(recording: Recording) -> Any:
    """Returns a Keras callback that tells ``recording`` what happens."""
    # The class is made here because its base can only be named once Keras is imported.
    import_tensorflow()
    import keras

    class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            recording.begin_epoch(epoch + 1, self.params["steps"])

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            recording.end_batch()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            rate = float(self.model.optimizer.learning_rate)
            recording.end_epoch(epoch + 1, logs or {}, rate)

    return Recorder()


def _sentence(row: Mapping[str, float], epochs: int) -> str:
    return (
        f"epoch {row['epoch']:.0f} of {epochs}: loss {row['loss']:.4f}, "
        f"validation loss {row['val_loss']:.4f}, "
        f"validation accuracy {row['val_accuracy']:.4f}, {row['seconds']:.1f} s"
    )
