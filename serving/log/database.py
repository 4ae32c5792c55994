"""The database as the log's threads see it: made ready, filled, and asked for one prediction."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.log import migrate
from serving.log.engine import make_engine, make_folder, make_reader, read_address, writing
from serving.log.entry import Entry
from serving.log.rows import insert_entries

# What PostgreSQL says of a value, not of itself: data exception, integrity constraint violation,
# and program limit exceeded, such as a text too long for an index (appendix A of its manual).
_FAULTS_OF_VALUES = ("22", "23", "54")
# What somebody who asks for a prediction waits for.
READS_WITHIN_S = 2.0
# Besides the database, its driver and the making of rows refuse values, in these ways.
_REFUSALS = (
    sa.exc.SQLAlchemyError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class Database:
    """One engine for one address; connects when it is first used."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._guard = threading.Lock()
        self._engine: Engine | None = None
        self._reader: Engine | None = None
        self._is_ready = False

    def prepare(self) -> Engine:
        """Returns the engine; the first time, and after a failure, brings the tables up to date.

        Raises:
          LogError: the address or the form of the database is none that this program knows.
          OSError, SQLAlchemyError: the database cannot be reached or changed.
        """
        with self._guard:
            if self._engine is None:
                url = read_address(self._address)
                make_folder(url)
                self._engine = make_engine(url)
            if not self._is_ready:
                migrate.upgrade(self._engine)
                self._is_ready = True
            return self._engine

    def reader(self) -> Engine:
        """Returns an engine to read with, whose connections give up after :data:`READS_WITHIN_S`.

        It waits for nothing that the threads of the log do, and changes no tables.

        Raises:
          LogError: the address is none that this program knows.
        """
        if self._reader is None:
            self._reader = make_reader(read_address(self._address), READS_WITHIN_S)
        return self._reader

    def store(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Stores entries, each once; returns those that the database will never take.

        Raises:
          LogError, OSError, SQLAlchemyError: nothing was stored, or nobody knows; try it again.
        """
        engine = self.prepare()
        try:
            try:
                with writing(engine).begin() as connection:
                    insert_entries(connection, entries)
                return ()
            except _REFUSALS as error:
                if not is_fault_of_values(error):
                    raise
            return _store_one_by_one(engine, entries)
        except sa.exc.SQLAlchemyError:
            # Perhaps another database answers there next time.
            self._is_ready = False
            raise

    def close(self) -> None:
        """Closes the connections."""
        with self._guard:
            for engine in (self._engine, self._reader):
                if engine is not None:
                    engine.dispose()
            self._engine, self._reader, self._is_ready = None, None, False


def is_fault_of_values(error: BaseException) -> bool:
    """Tells whether an error comes from what was to be stored, so that trying again is in vain."""
    if not isinstance(error, sa.exc.SQLAlchemyError):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return isinstance(error, sa.exc.StatementError)
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_FAULTS_OF_VALUES)
    return isinstance(error, sa.exc.DataError | sa.exc.IntegrityError)


def _store_one_by_one(engine: Engine, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    refused = []
    with writing(engine).begin() as connection:
        for entry in entries:
            try:
                with connection.begin_nested():
                    insert_entries(connection, [entry])
            except _REFUSALS as error:
                if not is_fault_of_values(error):
                    raise
                refused.append(entry)
    return tuple(refused)
