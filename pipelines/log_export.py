"""Writes predictions of the log as one parquet file; vectors are lists of one fixed length."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
    vector_lengths,
)

_TEXTS = ("label", "image", "perceptual_hash", "mirrored_hash")
_INTEGERS = ("area_px", "n_bytes")
_FLAGS = ("is_abstained", "is_near_constant")


def export_predictions(
    output: Path, address: str | None, model: str | None, since: datetime | None
) -> int:
    """Writes predictions to a file, by model version and then by time.

    The file appears when it is complete. Its metadata ``classes`` holds the class names of each
    ``name:version`` as JSON. ``embedding_penultimate`` is NaN in rows of releases that had none,
    and no column where there are no others.

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
            lengths = [vector_lengths(connection, each) for each in models]
        schema = _schema(models, lengths, model)
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


def _schema(
    models: Sequence[LoggedModel], lengths: Sequence[dict[str, int]], asked: str | None
) -> pa.Schema:
    if not models:
        wanted = f"of the model {asked!r}" if asked else "yet"
        raise LogError(f"the log has no predictions {wanted}; GET /models lists what is served")
    # A length of 0 fits any other: none is stored.
    found = {name: {each[name] for each in lengths} - {0} for name in VECTORS}
    if any(len(several) > 1 for several in found.values()):
        names = ", ".join(
            f"{model.name}:{model.version} ({len(model.classes)} classes, embeddings of "
            f"{each['embedding_uae']}, {each['embedding_bbsd']} and "
            f"{each['embedding_penultimate']})"
            for model, each in zip(models, lengths, strict=True)
        )
        raise LogError(
            f"the predictions have vectors of several lengths, and a file holds those of one: "
            f"{names}; export one at a time with --model NAME:VERSION"
        )
    classes = {f"{model.name}:{model.version}": list(model.classes) for model in models}
    fields = [
        ("request_id", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        *((column, _type_of(column)) for column in _columns()),
        ("true_labels", pa.list_(pa.string())),
        *((name, pa.list_(pa.float32(), *each)) for name, each in found.items() if each),
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
    for name in set(VECTORS) & set(schema.names):
        length = schema.field(name).type.list_size
        columns[name] = _as_lists(getattr(batch, name), length)
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_lists(vectors: npt.NDArray[np.float32], length: int) -> pa.Array:
    # Not null: pyarrow cannot read such lists back from parquet where one is null.
    whole = vectors if vectors.shape[1] else np.full((len(vectors), length), np.nan, np.float32)
    return pa.FixedSizeListArray.from_arrays(whole.ravel(), length)
