"""Connections to PostgreSQL that give up by themselves.

libpq notices a peer that is gone, and PostgreSQL a statement that is slow. A server that is frozen,
or behind a proxy that is, takes what is sent and never answers: nothing but a clock on this side
ends that.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

_STARTED = "started"


def bound(engine: Engine, within_s: float) -> None:
    """Lets every connection of an engine fail so long after it was asked for.

    Args:
      engine: for PostgreSQL, with psycopg 3; it limits the time for connecting itself.
      within_s: for connecting and all statements together.
    """

    def note_start(_dialect: Any, record: Any, _given: Any, _named: Any) -> None:
        record.info[_STARTED] = time.monotonic()

    def limit(connection: Any, record: Any) -> None:
        dbapi: Any = engine.dialect.loaded_dbapi
        _limit(connection, record.info[_STARTED] + within_s, dbapi.OperationalError)
        # The server gives up too, and does not go on for nobody.
        connection.execute(f"SET statement_timeout = {int(within_s * 1000)}")
        connection.commit()

    sa.event.listen(engine, "do_connect", note_start)
    # First, since SQLAlchemy asks a new connection some things.
    sa.event.listen(engine, "connect", limit, insert=True)


def _limit(connection: Any, ends_at: float, failure: type[Exception]) -> None:
    """Puts a limit on what psycopg waits for the server; all it does goes through there."""
    usual = connection.wait

    def wait(steps: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        left = ends_at - time.monotonic()
        try:
            if left > 0:
                return usual(steps, interval, left if timeout is None else min(left, timeout))
        except Exception:
            if time.monotonic() < ends_at:
                raise
        # Whatever comes later would be taken for the answer to something else.
        connection.pgconn.finish()
        raise failure("the database does not answer in time")

    connection.wait = wait
