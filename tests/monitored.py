"""A model version in the store with drift detectors, and predictions of it in a real log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from serving.log.database import Database
from serving.log.entry import describe
from serving.models.store import save_bundle
from serving.record import FeedbackRecord, PredictionRecord
from tests.drift_bundle import make_images, write_drift_bundle
from tests.fake_bundle import CLASSES, NAME, VERSION, seal
from vision.bundles.load import ServingModel
from vision.images.measure import measure_image

N_BYTES = 200


def store_drift_bundle(folder: Path, *, name: str = NAME, version: str = VERSION) -> ServingModel:
    """Writes a bundle into a new ``folder``, puts it into the model store, and opens it."""
    write_drift_bundle(folder, name=name, version=version)
    path = folder / "reference.parquet"
    table = pq.read_table(path)
    # The graph's second embedding is its probabilities.
    position = table.column_names.index("probabilities")
    table = table.set_column(position, "probabilities", table["embedding_bbsd"])
    predicted = np.stack(table["probabilities"].to_pylist()).argmax(axis=1)
    # What the detectors do not look at, and monitoring does.
    table = table.append_column("label", pa.array([CLASSES[index] for index in predicted]))
    for column, value in (("aspect", 1.0), ("area_px", 64), ("n_bytes", N_BYTES)):
        table = table.append_column(column, pa.array([value] * len(table)))
    pq.write_table(table, path)
    save_bundle(folder, seal(folder, name=name, version=version), {})
    return ServingModel.load(folder)


def log_predictions(
    address: str,
    serving: ServingModel,
    images: npt.NDArray[np.uint8],
    *,
    last: datetime | None = None,
    name: str = NAME,
    version: str = VERSION,
    prefix: str = "r",
    suffix: str = "",
    true_labels: Sequence[str | None] = (),
) -> None:
    """Stores what a service would have stored about ``images``, a minute apart, oldest first."""
    output = serving.predict(images)
    last = last or datetime.now(UTC) - timedelta(minutes=1)
    entries = []
    for row, image in enumerate(images):
        winner = int(output.probabilities[row].argmax())
        record = PredictionRecord(
            request_id=f"{prefix}{row:06d}{suffix}",
            model_name=name,
            model_version=version,
            label=CLASSES[winner],
            probability=float(output.probabilities[row, winner]),
            is_abstained=False,
            classes=CLASSES,
            probabilities=output.probabilities[row],
            embedding_uae=output.embedding_uae[row],
            embedding_bbsd=output.embedding_bbsd[row],
            embedding_penultimate=output.embedding_penultimate[row],
            pixels=image,
            data=b"",
            latency_s=0.01,
            time=last - timedelta(minutes=len(images) - 1 - row),
        )
        entries.append(describe(record).measured(measure_image(image, N_BYTES)))
    given: list[Any] = [
        describe(FeedbackRecord(f"{prefix}f{row}", f"{prefix}{row:06d}{suffix}", (label,)))
        for row, label in enumerate(true_labels)
        if label is not None
    ]
    assert Database(address).store([*entries, *given]) == ()


__all__ = ["log_predictions", "make_images", "store_drift_bundle"]
