"""What monitoring asks the log for in a number or two.

Only answers count: what a candidate said in the shadow was the answer to nobody.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from serving.log.reading import IS_ANSWER, LoggedModel
from serving.log.tables import feedback, predictions


def first_and_last(
    connection: Connection, model: LoggedModel, *, since: datetime, before: datetime
) -> tuple[datetime, datetime] | None:
    """Returns when a model version gave its first and its last answer; None where it gave none.

    Args:
      connection: to the log.
      model: of :func:`serving.log.reading.list_models`.
      since: older answers do not count.
      before: nor do those of this time or newer.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    time = predictions.c.time
    is_meant = (predictions.c.model_id == model.id, time >= since, time < before, IS_ANSWER)
    query = sa.select(time).where(*is_meant).limit(1)
    last = connection.execute(query.order_by(time.desc())).scalar()
    if last is None:
        return None
    return connection.execute(query.order_by(time.asc())).scalar() or last, last


def has_answers(
    connection: Connection, model: LoggedModel, n: int, *, after: datetime, before: datetime
) -> bool:
    """Returns whether a model version gave at least ``n`` answers between two times.

    Args:
      connection: to the log.
      model: of :func:`serving.log.reading.list_models`.
      n: as many rows are looked at, at most.
      after: answers of this time or older do not count.
      before: nor do those of this time or newer.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    time = predictions.c.time
    is_meant = (predictions.c.model_id == model.id, time > after, time < before, IS_ANSWER)
    query = sa.select(time).where(*is_meant).order_by(time.desc()).offset(n - 1).limit(1)
    return connection.execute(query).first() is not None


def has_unmarked(
    connection: Connection,
    model: LoggedModel,
    mark: str,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
) -> bool:
    """Returns whether any prediction of a model version has a request id without ``mark``.

    Args:
      connection: to the log.
      model: of :func:`serving.log.reading.list_models`.
      mark: what the request ids of the others begin with.
      since: older predictions do not count.
      before: nor do those of this time or newer.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    query = sa.select(predictions.c.id).where(
        predictions.c.model_id == model.id,
        IS_ANSWER,
        ~predictions.c.request_id.startswith(mark, autoescape=True),
    )
    if since is not None:
        query = query.where(predictions.c.time >= since)
    if before is not None:
        query = query.where(predictions.c.time < before)
    return connection.execute(query.limit(1)).first() is not None


def count_labelled(
    connection: Connection,
    model: LoggedModel,
    *,
    after: datetime | None = None,
    mark: str | None = None,
) -> int:
    """Returns how many predictions of a model version people have said the truth about.

    Args:
      connection: to the log.
      model: of :func:`serving.log.reading.list_models`.
      after: feedback of this time or older does not count, however new the prediction is.
      mark: nor do predictions whose request ids begin with it.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    query = (
        sa.select(sa.func.count(feedback.c.request_id.distinct()))
        .join(predictions, predictions.c.request_id == feedback.c.request_id)
        .where(predictions.c.model_id == model.id, IS_ANSWER)
    )
    if after is not None:
        query = query.where(feedback.c.time > after)
    if mark is not None:
        query = query.where(~predictions.c.request_id.startswith(mark, autoescape=True))
    return int(connection.execute(query).scalar_one())
