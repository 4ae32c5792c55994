"""Predictions by model version, a few thousand at a time, as columns.

A million rows never lie in memory at once, and come in the order of an index: nothing is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from serving.log.tables import HASHES, feedback, models, predictions
from serving.record import Floats
from vision.images.measure import NUMERIC

PLAIN = ("request_id", "time", "label", "probability", "is_abstained", "latency_s", "image")
PROPERTIES = (*NUMERIC, "is_near_constant", *HASHES)
VECTORS = ("probabilities", "embedding_uae", "embedding_bbsd")
BATCH = 2_000


@dataclass(frozen=True)
class LoggedModel:
    """A model version of which predictions are stored.

    Attributes:
      classes: in the order of its probabilities.
      embedding_size: length of ``embedding_uae``.
    """

    id: int
    name: str
    version: str
    classes: tuple[str, ...]
    embedding_size: int


@dataclass(frozen=True, eq=False)
class LoggedBatch:
    """Some predictions of one model version.

    Attributes:
      columns: ``request_id``, ``time``, ``label``, ``probability``, ``is_abstained``,
        ``latency_s``, ``image`` and the properties of :mod:`vision.images.measure`, a list each;
        None where an image was not kept or measured. Also ``true_labels``: the classes of the
        newest feedback, None where there is none.
      probabilities: ``(n, k)`` float32; likewise ``embedding_uae`` ``(n, d)`` and
        ``embedding_bbsd`` ``(n, k)``.
    """

    model: LoggedModel
    columns: dict[str, list[Any]]
    probabilities: Floats = field(repr=False)
    embedding_uae: Floats = field(repr=False)
    embedding_bbsd: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.probabilities)


def list_models(
    connection: Connection, name: str | None = None, version: str | None = None
) -> tuple[LoggedModel, ...]:
    """Returns the model versions of which there may be predictions, oldest first."""
    query = sa.select(models).order_by(models.c.id)
    if name is not None:
        query = query.where(models.c.name == name)
    if version is not None:
        query = query.where(models.c.version == version)
    return tuple(
        LoggedModel(row.id, row.name, row.version, tuple(row.classes), row.embedding_size)
        for row in connection.execute(query)
    )


def read_predictions(
    engine: Engine,
    model: LoggedModel,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    newest_first: bool = False,
    batch: int = BATCH,
) -> Iterator[LoggedBatch]:
    """Yields the predictions of a model version in the order of their time.

    Args:
      engine: see :func:`serving.log.offline.open_log`.
      model: one of :func:`list_models`.
      since: leaves out what is older.
      before: leaves out what is of this time or newer.
      newest_first: turns the order round; who has seen enough just stops.
      batch: predictions at a time.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    column = predictions.c.time
    names = (*PLAIN, *PROPERTIES, *VECTORS)
    query = sa.select(*(predictions.c[name] for name in names))
    query = query.where(predictions.c.model_id == model.id)
    query = query.order_by(column.desc() if newest_first else column.asc())
    if since is not None:
        query = query.where(column >= since)
    if before is not None:
        query = query.where(column < before)
    with engine.connect().execution_options(stream_results=True, yield_per=batch) as connection:
        for rows in connection.execute(query).partitions(batch):
            columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            yield _batch(connection, model, columns)


def _batch(
    connection: Connection, model: LoggedModel, columns: dict[str, list[Any]]
) -> LoggedBatch:
    probabilities, uae, bbsd = (columns.pop(name) for name in VECTORS)
    # As the tables say: where it is not stored, it is the same.
    bbsd = [own or shared for own, shared in zip(bbsd, probabilities, strict=True)]
    for name in HASHES:
        columns[name] = [value and value.hex() for value in columns[name]]
    labels = _newest_labels(connection, columns["request_id"])
    columns["true_labels"] = [labels.get(request_id) for request_id in columns["request_id"]]
    return LoggedBatch(model, columns, _vectors(probabilities), _vectors(uae), _vectors(bbsd))


def _newest_labels(connection: Connection, request_ids: list[str]) -> dict[str, list[str]]:
    query = (
        sa.select(feedback.c.request_id, feedback.c.labels)
        .where(feedback.c.request_id.in_(request_ids))
        .order_by(feedback.c.time, feedback.c.id)
    )
    return {row.request_id: row.labels for row in connection.execute(query)}


def _vectors(values: list[bytes]) -> Floats:
    return np.frombuffer(b"".join(values), "<f4").reshape(len(values), -1).astype(np.float32)
