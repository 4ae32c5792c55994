"""Brings a database to a released form, one process at a time.

The whole way is one transaction: after a crash in the middle the database is as it was. On
PostgreSQL an advisory lock, on sqlite the write lock lets the second process wait and then find
nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection, Engine

from serving.log.engine import is_sqlite, writing
from serving.log.errors import LogError

_FOLDER = Path(__file__).parent / "migrations"
# Any number will do that no other program of the same database uses: "vislog" in ASCII.
_LOCK = 0x7669736C6F67
_LOCK_WITHIN = "30s"


def newest() -> str:
    """Returns the id of the newest form."""
    return str(_scripts().get_current_head())


def revisions() -> tuple[str, ...]:
    """Returns the ids of all released forms, oldest first."""
    return tuple(script.revision for script in _scripts().walk_revisions())[::-1]


def current(connection: Connection) -> str | None:
    """Returns the form that a database is in; None where it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Brings the database to a form, by default the newest.

    Raises:
      LogError: the database is in a form that this program does not know.
      SQLAlchemyError: the database cannot be reached or changed.
    """
    scripts = _scripts()

    def steps(found: Any, _: Any) -> Any:
        return scripts._upgrade_revs(revision, found)

    _run(engine, scripts, steps)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Takes the database back to an older form; what that form cannot hold is lost.

    Raises:
      LogError: the database is in a form that this program does not know.
      SQLAlchemyError: the database cannot be reached or changed.
    """
    scripts = _scripts()

    def steps(found: Any, _: Any) -> Any:
        return scripts._downgrade_revs(revision, found)

    _run(engine, scripts, steps)


def _run(engine: Engine, scripts: ScriptDirectory, steps: Callable[[Any, Any], Any]) -> None:
    with writing(engine).begin() as connection:
        if not is_sqlite(connection):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WITHIN}'")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(connection=connection, transactional_ddl=True)
            try:
                environment.run_migrations()
            except CommandError as error:
                raise LogError(
                    f"the prediction log's database is in the form {current(connection)!r}, which "
                    f"this program does not know (its newest is {newest()!r}); a newer release has "
                    "changed it, so run that one"
                ) from error


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
