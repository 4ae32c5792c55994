"""What is kept of each epoch, and when a training is stopped."""

import math

import pytest

from vision.config import TrainingConfig
from vision.errors import ModelError
from vision.training.recorder import Recording

LOGS = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.625, "val_accuracy": 0.5}


def test_an_epoch_is_kept_told_and_shown(capsys):
    heard = []
    recording = Recording(TrainingConfig(epochs=3), lambda *told: heard.append(told))
    recording.begin_epoch(1, n_batches=4)
    recording.end_batch()
    recording.end_epoch(1, LOGS, learning_rate=0.001)
    (row,) = recording.rows
    assert row.pop("seconds") >= 0.0
    assert row == {"epoch": 1, **LOGS, "learning_rate": 0.001}
    assert [(epoch, metrics["val_loss"]) for epoch, metrics in heard] == [(1, 0.625)]
    assert "epoch" not in heard[0][1]
    assert capsys.readouterr().err.startswith(
        "epoch 1 of 3: loss 0.5000, validation loss 0.6250, validation accuracy 0.5000, 0.0 s"
    )


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops(loss):
    recording = Recording(TrainingConfig(learning_rate=0.5))
    recording.begin_epoch(2, n_batches=1)
    with pytest.raises(ModelError, match=rf"learning_rate = 0.5: the loss is {loss} after epoch 2"):
        recording.end_epoch(2, {**LOGS, "loss": loss}, learning_rate=0.5)
    assert recording.rows == []
