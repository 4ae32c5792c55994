"""Rows with a known distribution: correlated, tied, constant and skewed columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision.config.drift import DriftConfig
from vision.drift.detector_file import DetectorFile
from vision.drift.names import PROPERTIES
from vision.drift.views import DriftRows

N_CLASSES = 3
_MIX = np.random.default_rng(7).normal(size=(4, 24))


def draw_rows(n: int, seed: int, *, shift: float = 0.0) -> DriftRows:
    """Draws rows; ``shift`` moves what all columns are made from, whose deviation is 1."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(shift, 1.0, (n, 4))
    mixed = factors @ _MIX
    exponents = np.exp(mixed[:, 9:12])
    softmax = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    properties = mixed[:, -len(PROPERTIES) :] + rng.normal(size=(n, len(PROPERTIES)))
    properties[:, 2] = np.round(properties[:, 2])
    properties[:, 3] = 0.25
    return DriftRows(
        uae=(mixed[:, :4] + 0.5 * rng.normal(size=(n, 4))).astype(np.float32),
        bbsd=softmax,
        # Some are 0 for most rows and the last for all, as after a ReLU.
        penultimate=np.maximum(mixed[:, 4:9] - [0, 1, 2, 3, 1e6], 0).astype(np.float32),
        properties=properties,
        classes=softmax.argmax(axis=1),
    )


def config(**values: Any) -> DriftConfig:
    """Returns a configuration that is quick to calibrate: one false alarm in 20 checks."""
    usual = {
        "backend": "scipy",
        "windows": (50, 100),
        "every_n": 10,
        "false_alarms": "1 per 1 days at 200 images per day",
        "n_draws": 400,
    }
    return DriftConfig.model_validate({**usual, **values})


def detector_file(n_reference: int, threshold: float = 0.01, **values: Any) -> DetectorFile:
    """Returns detectors that were not calibrated."""
    drift = config(**values)
    return DetectorFile(
        backend=drift.backend,
        detector=drift.detector,
        correction=drift.correction,
        views=drift.views,
        sizes=drift.windows,
        every_n=drift.every_n,
        false_alarms=drift.false_alarms,
        alarm_rate=drift.alarm_rate,
        level=threshold,
        thresholds={view: dict.fromkeys(drift.windows, threshold) for view in drift.views},
        n_classes=N_CLASSES,
        n_reference=n_reference,
        n_draws=drift.n_draws,
        measured_rate=drift.alarm_rate,
        seed=drift.seed,
    )
