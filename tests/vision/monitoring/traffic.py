"""Made-up traffic of a made-up model: a few numbers that behave like images and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from vision.config.drift import DriftConfig
from vision.drift.detectors import DriftDetectors, calibrate
from vision.drift.names import PROPERTIES
from vision.drift.views import DriftRows
from vision.images.measure import NUMERIC
from vision.monitoring.period import Period, PeriodBatch, PeriodReader
from vision.monitoring.reference import ReferenceSet

END = datetime(2026, 11, 20, 12)
# Quick to calibrate: one false alarm in 20 checks.
DRIFT = DriftConfig(
    backend="scipy",
    windows=(20, 50, 100),
    every_n=10,
    false_alarms="1 per 1 days at 200 images per day",
    n_draws=400,
)


def class_names(k: int) -> tuple[str, ...]:
    """Returns the names of ``k`` classes."""
    return tuple(f"class {index}" for index in range(k))


class Drawn:
    """``n`` images: their true classes, what the model says, and what they look like.

    Args:
      n: how many.
      k: classes.
      seed: of everything.
      shift: how far features and properties are moved, in standard deviations.
      doubt: how much noise is added to the logits; 1 is right about nine times in ten.
      only: classes that occur; all of them by default.
    """

    def __init__(
        self,
        n: int,
        k: int = 3,
        *,
        seed: int = 0,
        shift: float = 0.0,
        doubt: float = 1.0,
        only: Sequence[int] | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.true = rng.choice(np.arange(k) if only is None else np.array(only), n)
        logits = 4.0 * np.eye(k)[self.true] + doubt * rng.normal(0.0, 1.5, (n, k))
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.probabilities = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
        self.classes = self.probabilities.argmax(axis=1)
        looks = rng.normal(shift, 1.0, (n, len(NUMERIC)))
        self.properties = {name: 0.5 + 0.1 * looks[:, index] for index, name in enumerate(NUMERIC)}
        self.rows = DriftRows(
            uae=rng.normal(shift, 1.0, (n, 4)).astype(np.float32),
            bbsd=self.probabilities,
            penultimate=(logits[:, : min(k, 6)] + shift).astype(np.float32),
            properties=np.stack([self.properties[name] for name in PROPERTIES], axis=1),
            classes=self.classes,
        )


def reference_set(n: int = 400, k: int = 3, seed: int = 99) -> ReferenceSet:
    """Returns a reference set whose labels are true."""
    drawn = Drawn(n, k, seed=seed)
    return ReferenceSet(drawn.rows, pd.DataFrame(drawn.properties), drawn.probabilities, drawn.true)


def detectors_of(reference: ReferenceSet) -> DriftDetectors:
    """Calibrates detectors."""
    k = reference.probabilities.shape[1]
    return DriftDetectors(calibrate(reference.rows, k, DRIFT), reference.rows)


def batch_of(
    drawn: Drawn,
    classes: tuple[str, ...],
    *,
    end: datetime = END,
    hours: float = 1.0,
    labelled: float = 0.0,
    images: Sequence[str | None] | None = None,
) -> PeriodBatch:
    """Returns images as a batch, newest first.

    Args:
      drawn: the images.
      classes: class names.
      end: time of the newest.
      hours: between one and the next.
      labelled: share whose true class is told.
      images: paths of the kept ones.
    """
    n = len(drawn.classes)
    steps = np.arange(n) * np.timedelta64(round(hours * 3.6e9), "us")
    is_told = np.random.default_rng(5).random(n) < labelled
    labels: list[list[str] | None] = [
        [classes[true]] if told else None
        for true, told in zip(drawn.true.tolist(), is_told.tolist(), strict=True)
    ]
    return PeriodBatch(
        times=np.datetime64(end, "us") - steps,
        request_ids=[f"request-{seconds}" for seconds in range(n)],
        labels=[classes[index] for index in drawn.classes.tolist()],
        probabilities=drawn.probabilities,
        is_abstained=drawn.probabilities.max(axis=1) < 0.5,
        rows=drawn.rows,
        properties=drawn.properties,
        images=[None] * n if images is None else list(images),
        true_labels=labels,
    )


def read(
    classes: tuple[str, ...],
    *batches: PeriodBatch,
    reference: ReferenceSet | None = None,
    **options: Any,
) -> Period:
    """Reads batches, the newest first."""
    reader = PeriodReader(
        classes,
        **{
            "n_newest": 100,
            "seed": 0,
            "reference": None if reference is None else reference.rows,
            **options,
        },
    )
    for batch in batches:
        reader.add(batch)
    return reader.finish()
