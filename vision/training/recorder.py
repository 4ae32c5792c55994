"""Records each epoch, shows its progress, and stops a training whose loss is no number."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from vision.config import TrainingConfig
from vision.errors import ModelError
from vision.quiet import import_tensorflow

OnEpoch = Callable[[int, dict[str, float]], None]


def recorder(training: TrainingConfig, on_epoch: OnEpoch | None) -> Any:
    """Returns a Keras callback whose ``rows`` hold one dictionary of metrics per epoch.

    Args:
      training: names the learning rate and the number of epochs in messages.
      on_epoch: called after each epoch with its number from 1 and its metrics.
    """
    import_tensorflow()
    import keras

    class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
        """Keeps each epoch's metrics, shows progress, and stops at a loss that is no number."""

        def __init__(self) -> None:
            super().__init__()
            self.rows: list[dict[str, float]] = []
            self._bar: tqdm[Any] | None = None
            self._started = 0.0

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self._started = time.monotonic()
            if sys.stderr.isatty():
                steps = self.params["steps"]
                title = f"epoch {epoch + 1} of {training.epochs}"
                self._bar = tqdm(total=steps, desc=title, unit=" batch", leave=False)

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if self._bar is not None:
                self._bar.update()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if self._bar is not None:
                self._bar.close()
            row = _row(epoch + 1, logs or {}, self.model.optimizer, self._started)
            if not math.isfinite(row["loss"]):
                raise ModelError(
                    f"training.learning_rate = {training.learning_rate:g}: the loss is "
                    f"{row['loss']} after epoch {epoch + 1}; lower training.learning_rate"
                )
            self.rows.append(row)
            print(_sentence(row, training.epochs), file=sys.stderr, flush=True)
            if on_epoch is not None:
                on_epoch(epoch + 1, {key: row[key] for key in row if key != "epoch"})

    return Recorder()


def _row(epoch: int, logs: dict[str, float], optimizer: Any, started: float) -> dict[str, float]:
    return {
        "epoch": epoch,
        "loss": float(logs["loss"]),
        "accuracy": float(logs["accuracy"]),
        "val_loss": float(logs["val_loss"]),
        "val_accuracy": float(logs["val_accuracy"]),
        "learning_rate": float(optimizer.learning_rate),
        "seconds": time.monotonic() - started,
    }


def _sentence(row: dict[str, float], epochs: int) -> str:
    return (
        f"epoch {row['epoch']:.0f} of {epochs}: loss {row['loss']:.4f}, "
        f"validation loss {row['val_loss']:.4f}, "
        f"validation accuracy {row['val_accuracy']:.4f}, {row['seconds']:.1f} s"
    )
