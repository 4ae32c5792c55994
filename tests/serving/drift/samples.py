"""Predictions of the fake model on drawn images, and a check that is turned by hand."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from serving.drift.check import DriftCheck
from serving.record import PredictionRecord
from tests.drift_bundle import make_images
from tests.fake_bundle import NAME, VERSION, seal
from vision.bundles.load import ServingModel

STARTED = datetime(2026, 1, 31, 12, tzinfo=UTC)
WAIT_S = 60.0


def predictions(
    model: ServingModel, n: int, *, shift: float = 0.0, seed: int = 1, first: int = 0
) -> list[PredictionRecord]:
    """Returns predictions with the ids ``r00000`` and so on, a second apart."""
    images = make_images(n, seed, shift=shift)
    output = model.predict(images)
    classes = model.manifest.classes
    return [
        PredictionRecord(
            request_id=f"r{first + index:05d}",
            model_name=model.manifest.name,
            model_version=model.manifest.version,
            label=classes[int(output.probabilities[index].argmax())],
            probability=float(output.probabilities[index].max()),
            is_abstained=False,
            classes=classes,
            probabilities=output.probabilities[index],
            embedding_uae=output.embedding_uae[index],
            embedding_bbsd=output.embedding_bbsd[index],
            embedding_penultimate=output.embedding_penultimate[index],
            pixels=images[index],
            data=b"",
            latency_s=0.0,
            time=STARTED + timedelta(seconds=first + index),
        )
        for index in range(n)
    ]


def of_version(records: list[PredictionRecord], version: str) -> list[PredictionRecord]:
    """Returns the same predictions as another version's."""
    return [replace(each, model_version=version) for each in records]


def without_numbers(records: list[PredictionRecord]) -> list[PredictionRecord]:
    """Returns the same predictions of a model whose probabilities are NaN."""
    return [
        replace(
            each,
            probabilities=np.full_like(each.probabilities, np.nan),
            embedding_bbsd=np.full_like(each.embedding_bbsd, np.nan),
        )
        for each in records
    ]


def copied(bundle: Path, folder: Path, version: str | None = None) -> Path:
    """Copies a bundle, as another version if one is named."""
    shutil.copytree(bundle, folder)
    if version is not None:
        (folder / "manifest.json").unlink()
        seal(folder, version=version)
    return folder


def window_of(home: Path, version: str = VERSION) -> Path:
    """Returns the file of a version's window."""
    return home / "logs" / "service" / "drift" / NAME / version / "window.rows"


def fill(check: DriftCheck, records: list[PredictionRecord]) -> None:
    """Has the check take note of predictions."""
    for record in records:
        check.add(record)


def wait_until(is_reached: Callable[[], bool], what: str = "") -> None:
    """Waits for something another thread or process does."""
    deadline = time.monotonic() + WAIT_S
    while not is_reached():
        assert time.monotonic() < deadline, what or is_reached
        time.sleep(0.01)


def wait_for_check(check: DriftCheck, n_checks: int) -> None:
    """Waits until so many checks of the version were made."""
    wait_until(lambda: check.last.n_checks >= n_checks, str(check.last))
