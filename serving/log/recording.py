"""The table ``deployments`` for programs beside the service: one row written, rows read.

Writing costs at most a few seconds and never an error: a deployment is not undone because the
database is away. A database without tables gets them, as from a service that starts; one of another
release is left as it is.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.log import migrate
from serving.log.engine import (
    describe_failure,
    make_engine,
    make_folder,
    read_address,
    show_address,
    writing,
)
from serving.log.entry import describe
from serving.log.errors import LogError
from serving.log.rows import insert_entries
from serving.log.tables import deployments
from serving.record import DeploymentRecord
from serving.settings import read_settings
from vision.errors import ConfigError

# Longer than the service holds sqlite's write lock for one batch.
_WAITS_S = 5.0


def record_deployment(record: DeploymentRecord, address: str | None = None) -> str | None:
    """Stores a row once, however often it is called with the same id.

    Args:
      record: what was done or refused.
      address: of the database; by default the one that the service of this machine writes to.

    Returns:
      None where it is stored; else a sentence that says why it is not.
    """
    lost = f"{record.action} of {record.model_name} {record.model_version} is not recorded"
    try:
        url = read_address(address or read_settings().database_url)
    except (LogError, ConfigError) as error:
        return f"{lost}: {error}"
    engine = make_engine(url, waits_s=_WAITS_S)
    try:
        make_folder(url)
        _make_ready(engine)
        with writing(engine).begin() as connection:
            insert_entries(connection, [describe(record)])
    except LogError as error:
        return f"{lost}: {error}"
    except (OSError, sa.exc.SQLAlchemyError) as error:
        return (
            f"{lost}: the prediction log at {show_address(url)} takes nothing "
            f"({describe_failure(error)})"
        )
    finally:
        engine.dispose()
    return None


def read_deployments(
    engine: Engine, n_most: int, model: str | None = None
) -> tuple[DeploymentRecord, ...]:
    """Returns the newest rows, newest first.

    Args:
      engine: of :func:`serving.log.offline.open_log`.
      n_most: how many.
      model: rows of this model alone.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    wanted = sa.select(deployments).order_by(deployments.c.time.desc(), deployments.c.id.desc())
    if model is not None:
        wanted = wanted.where(deployments.c.model_name == model)
    with engine.connect() as connection:
        rows = connection.execute(wanted.limit(n_most)).mappings().all()
    return tuple(
        DeploymentRecord(**{name: value for name, value in row.items() if name != "id"})
        for row in rows
    )


def _make_ready(engine: Engine) -> None:
    """Makes the tables where there are none.

    Raises:
      LogError: there are, of another release.
    """
    with engine.connect() as connection:
        form = migrate.current(connection)
    if form is None:
        migrate.upgrade(engine)
    elif form != migrate.newest():
        raise LogError(
            f"the prediction log has the form {form!r}, and this program writes "
            f"{migrate.newest()!r}; start the service of this release once, which changes it"
        )
