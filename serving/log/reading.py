"""Predictions by model version, a few thousand at a time, as columns.

A million rows never lie in memory at once, and come in the order of an index: nothing is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from serving.log.tables import HASHES, feedback, models, predictions
from serving.record import SHADOW, Floats
from vision.images.measure import NUMERIC

PLAIN = ("request_id", "time", "label", "probability", "is_abstained", "latency_s", "image")
PROPERTIES = (*NUMERIC, "is_near_constant", *HASHES)
VECTORS = ("probabilities", "embedding_uae", "embedding_bbsd", "embedding_penultimate")
COLUMNS = (*PLAIN, *PROPERTIES)
BATCH = 2_000
# Of predictions that were the answer to somebody.
IS_ANSWER = ~predictions.c.request_id.endswith(SHADOW, autoescape=True)


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
        ``embedding_bbsd`` ``(n, b)``.
      embedding_penultimate: ``(n, p)`` float32; a row of NaN where a release that had no such
        embedding stored the prediction, and ``(n, 0)`` where it stored all of them.
    """

    model: LoggedModel
    columns: dict[str, list[Any]]
    probabilities: Floats = field(repr=False)
    embedding_uae: Floats = field(repr=False)
    embedding_bbsd: Floats = field(repr=False)
    embedding_penultimate: Floats = field(repr=False)

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


def vector_lengths(connection: Connection, model: LoggedModel) -> dict[str, int]:
    """Returns how long each of :data:`VECTORS` is; 0 where no prediction has stored one."""
    lengths = {}
    for name in VECTORS:
        column = predictions.c[name]
        query = sa.select(column).where(predictions.c.model_id == model.id, column.is_not(None))
        lengths[name] = len(connection.execute(query.limit(1)).scalar() or b"") // 4
    # As the tables say: where it is not stored, it is the same.
    lengths["embedding_bbsd"] = lengths["embedding_bbsd"] or lengths["probabilities"]
    return lengths


def read_predictions(
    engine: Engine,
    model: LoggedModel,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    newest_first: bool = False,
    batch: int = BATCH,
    columns: Sequence[str] = COLUMNS,
    n_most: int | None = None,
    is_answer: bool = False,
) -> Iterator[LoggedBatch]:
    """Yields the predictions of a model version in the order of their time.

    Args:
      engine: see :func:`serving.log.offline.open_log`.
      model: one of :func:`list_models`.
      since: leaves out what is older.
      before: leaves out what is of this time or newer.
      newest_first: turns the order round; who has seen enough just stops.
      batch: predictions at a time.
      columns: of :data:`COLUMNS`, those to read; ``request_id`` among them. The vectors and
        ``true_labels`` come in any case.
      n_most: the most predictions; None for all.
      is_answer: leaves out those made in the shadow, which answered nobody.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    time = predictions.c.time
    names = (*columns, *VECTORS)
    query = sa.select(*(predictions.c[name] for name in names))
    query = query.where(predictions.c.model_id == model.id)
    query = query.order_by(time.desc() if newest_first else time.asc()).limit(n_most)
    if since is not None:
        query = query.where(time >= since)
    if before is not None:
        query = query.where(time < before)
    if is_answer:
        query = query.where(IS_ANSWER)
    with engine.connect().execution_options(stream_results=True, yield_per=batch) as connection:
        for rows in connection.execute(query).partitions(batch):
            read = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            yield _batch(connection, model, read)


def _batch(
    connection: Connection, model: LoggedModel, columns: dict[str, list[Any]]
) -> LoggedBatch:
    probabilities, uae, bbsd, penultimate = (columns.pop(name) for name in VECTORS)
    # As the tables say: where it is not stored, it is the same.
    bbsd = [own or shared for own, shared in zip(bbsd, probabilities, strict=True)]
    for name in set(HASHES) & set(columns):
        columns[name] = [value and value.hex() for value in columns[name]]
    labels = _newest_labels(connection, columns["request_id"])
    columns["true_labels"] = [labels.get(request_id) for request_id in columns["request_id"]]
    vectors = map(_vectors, (probabilities, uae, bbsd, penultimate))
    return LoggedBatch(model, columns, *vectors)


def _newest_labels(connection: Connection, request_ids: list[str]) -> dict[str, list[str]]:
    query = (
        sa.select(feedback.c.request_id, feedback.c.labels)
        .where(feedback.c.request_id.in_(request_ids))
        .order_by(feedback.c.time, feedback.c.id)
    )
    return {row.request_id: row.labels for row in connection.execute(query)}


def _vectors(values: list[bytes | None]) -> Floats:
    """Returns a row for each value, of NaN for None; they have one length."""
    length = max((len(value) for value in values if value is not None), default=0)
    missing = np.full(length // 4, np.nan, "<f4").tobytes()
    joined = b"".join(missing if value is None else value for value in values)
    return np.frombuffer(joined, "<f4").reshape(len(values), length // 4).astype(np.float32)
