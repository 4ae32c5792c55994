"""The door to the database: one engine for sqlite or PostgreSQL, with what the log relies on.

sqlite: write-ahead log, ``synchronous=FULL``, foreign keys, space that ``prune`` can give back, and
transactions that take the write lock at their start where they are going to write. PostgreSQL:
time limits on connecting and on silence. Values and passwords never appear in messages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from serving.log.bounded import bound
from serving.log.errors import LogError

_CONNECT_WITHIN_S = 5
# Locked for longer, sqlite answers "database is locked", and the log tries again later.
_SQLITE_WAITS_S = 1.0
# As libpq names them: a peer that vanished is noticed after half a minute, not after two hours.
_POSTGRES = {
    "connect_timeout": _CONNECT_WITHIN_S,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "visionstack",
}
_WRITES = "writes"


def read_address(address: str) -> URL:
    """Returns SQLAlchemy's form of an address; ``postgresql://`` means psycopg 3.

    Raises:
      LogError: it is no address, or of another kind of database. The address is not repeated,
        since it may hold a password.
    """
    try:
        url = make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        # The cause would repeat the address.
        raise LogError(
            "the address of the prediction log's database cannot be read; write "
            "sqlite:////folder/file.sqlite or postgresql://user:password@host/database"
        ) from None
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise LogError(
            f"the prediction log cannot be kept in {url.drivername!r}; name a database of sqlite "
            "or postgresql"
        )
    if url.get_backend_name() == "postgresql" and address.count("@") > 1:
        # Cut at the first of them, the rest of a password would count as host, and be printed.
        raise LogError(
            "the address of the prediction log's database has more than one '@'; write an '@' in a "
            "user name or password as %40"
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise LogError(
            "the prediction log's sqlite address names no file; write sqlite:////folder/file.sqlite"
        )
    return url


def show_address(url: URL) -> str:
    """Returns what may be printed of an address: kind, host, port and database.

    Passwords stand before the host and, in PostgreSQL's own way, also behind the database.
    """
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database or ''}"


def describe_failure(error: BaseException) -> str:
    """Names the class and the code of an error; its text may hold values and passwords."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    if isinstance(cause, OSError):
        code = cause.strerror
    return f"{type(cause).__name__}, {code}" if code else type(cause).__name__


def make_engine(url: URL, *, waits_s: float = _SQLITE_WAITS_S, is_ours: bool = True) -> Engine:
    """Returns an engine; nothing is connected, and the folder of a sqlite file is made later.

    Args:
      url: see :func:`read_address`.
      waits_s: for sqlite's write lock.
      is_ours: whether a sqlite file may be made, and turned into the form that the log wants.
    """
    if url.get_backend_name() == "sqlite":
        # A connection for each use: where the file was removed, a new one is made at once, instead
        # of filling the removed one.
        engine = sa.create_engine(
            url,
            hide_parameters=True,
            poolclass=sa.pool.NullPool,
            connect_args={"timeout": waits_s},
        )
        if is_ours:
            sa.event.listen(engine, "connect", _own_sqlite)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    given = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=given)


def make_reader(url: URL, within_s: float) -> Engine:
    """Returns an engine whose every connection ends so long after it was asked for, done or not.

    Args:
      url: see :func:`read_address`.
      within_s: what connecting and all statements take together, at most; sqlite's locks
        are waited for so long.
    """
    if url.get_backend_name() == "sqlite":
        return make_engine(url, waits_s=within_s / 2, is_ours=False)
    given = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    # psycopg takes no less than two seconds.
    given["connect_timeout"] = max(2, int(within_s))
    engine = sa.create_engine(
        url, hide_parameters=True, poolclass=sa.pool.NullPool, connect_args=given
    )
    bound(engine, within_s)
    return engine


def writing(engine: Engine) -> Engine:
    """Returns the engine for transactions that write; they exclude each other from the start."""
    return engine.execution_options(**{_WRITES: True})


def make_folder(url: URL) -> None:
    """Makes the folder of a sqlite file.

    Raises:
      OSError: it cannot be made.
    """
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)


def is_sqlite(connection: Connection | Engine) -> bool:
    """Tells which of the two databases it is."""
    return connection.dialect.name == "sqlite"


def _own_sqlite(connection: Any, _: object) -> None:
    # The first only has a say before there is a table.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL")


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Transactions begin where we say so, also around CREATE TABLE.
    connection.isolation_level = None
    # A record leaves the spool once it is committed here.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    is_writer = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
