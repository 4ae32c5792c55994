"""Writes predictions of the log as one parquet file; vectors are lists of one fixed length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from serving.log.errors import LogError
from serving.log.offline import open_log
from serving.log.reading import (
    PLAIN,
    PROPERTIES,
    VECTORS,
    LoggedBatch,
    LoggedModel,
    list_models,
    read_predictions,
)

_TEXTS = ("label", "image", "perceptual_hash", "mirrored_hash")
_INTEGERS = ("area_px", "n_bytes")
_FLAGS = ("is_abstained", "is_near_constant")


def export_predictions(
    output: Path, address: str | None, model: str | None, since: datetime | None
) -> int:
    """Writes predictions to a file, by model version and then by time.

    The file appears when it is complete. Its metadata ``classes`` holds the class names of each
    ``name:version`` as JSON.

    Args:
      output: the file to write; its folder exists.
      address: of the database; by default that of the service.
      model: ``name`` or ``name:version``; by default every model.
      since: leaves out what is older.

    Returns:
      how many predictions were written.

    Raises:
      LogError: nothing to read, or vectors of several lengths.
      OSError: the file cannot be written.
    """
    name, _, version = (model or "").partition(":")
    with open_log(address) as engine:
        with engine.connect() as connection:
            models = list_models(connection, name or None, version or None)
        schema = _schema(models, model)
        temporary = output.with_name(f".{output.name}.tmp")
        n_rows = 0
        try:
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for each in models:
                    for batch in read_predictions(engine, each, since=since):
                        writer.write_batch(_record_batch(batch, schema))
                        n_rows += len(batch)
            temporary.replace(output)
        finally:
            temporary.unlink(missing_ok=True)
    return n_rows


def _schema(models: Sequence[LoggedModel], asked: str | None) -> pa.Schema:
    if not models:
        wanted = f"of the model {asked!r}" if asked else "yet"
        raise LogError(f"the log has no predictions {wanted}; GET /models lists what is served")
    sizes = {(len(model.classes), model.embedding_size) for model in models}
    if len(sizes) > 1:
        names = ", ".join(
            f"{model.name}:{model.version} ({len(model.classes)} classes, embedding of "
            f"{model.embedding_size})"
            for model in models
        )
        raise LogError(
            f"the predictions have vectors of several lengths, and a file holds those of one: "
            f"{names}; export one at a time with --model NAME:VERSION"
        )
    [(n_classes, embedding_size)] = sizes
    classes = {f"{model.name}:{model.version}": list(model.classes) for model in models}
    fields = [
        ("request_id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        *((column, _type_of(column)) for column in _columns()),
        ("true_labels", pa.list_(pa.string())),
        ("probabilities", pa.list_(pa.float32(), n_classes)),
        ("embedding_uae", pa.list_(pa.float32(), embedding_size)),
        ("embedding_bbsd", pa.list_(pa.float32(), n_classes)),
    ]
    return pa.schema(fields, metadata={"classes": json.dumps(classes)})


def _columns() -> Iterable[str]:
    return [name for name in (*PLAIN, *PROPERTIES) if name not in ("request_id", "time")]


def _type_of(column: str) -> pa.DataType:
    if column in _TEXTS:
        return pa.string()
    if column in _FLAGS:
        return pa.bool_()
    return pa.int64() if column in _INTEGERS else pa.float64()


def _record_batch(batch: LoggedBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns: dict[str, Any] = {
        **batch.columns,
        "model_name": [batch.model.name] * len(batch),
        "model_version": [batch.model.version] * len(batch),
    }
    for name in VECTORS:
        vectors = getattr(batch, name)
        columns[name] = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
