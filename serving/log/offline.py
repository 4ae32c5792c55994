"""The prediction log for programs beside the service: opened, read, pruned.

A service may be writing meanwhile. Nothing is made or migrated here, so that a mistyped address
leaves nothing behind and an old service keeps the form that it knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.log import migrate
from serving.log.engine import describe_failure, make_engine, read_address, show_address
from serving.log.errors import LogError, NoLogError
from serving.settings import read_settings

# Longer than the service holds sqlite's write lock for one batch.
_WAITS_S = 30.0


def image_folder() -> Path:
    """Returns where the service of this machine keeps images.

    Raises:
      ConfigError: a ``VISIONSTACK_`` variable cannot be used.
    """
    return read_settings().log_folder / "images"


@contextmanager
def open_log(address: str | None = None) -> Iterator[Engine]:
    """Opens a prediction log for the block.

    Args:
      address: of the database; by default the one that the service of this machine writes to.

    Raises:
      LogError: there is no prediction log, it has another form, or its database does not answer,
        also if that happens within the block.
      ConfigError: a ``VISIONSTACK_`` variable cannot be used.
    """
    url = read_address(address or read_settings().database_url)
    shown = show_address(url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise NoLogError(
            f"there is no prediction log at {shown}; the service makes one when it starts, and "
            "--database or VISIONSTACK_LOG_DATABASE names another"
        )
    engine = make_engine(url, waits_s=_WAITS_S, is_ours=False)
    try:
        with engine.connect() as connection:
            form = migrate.current(connection)
        if form != migrate.newest():
            raise LogError(
                f"the prediction log at {shown} has the form {form!r}, and this program reads "
                f"{migrate.newest()!r}; start the service of this release once, which changes it"
            )
        yield engine
    except sa.exc.DBAPIError as error:
        # Without its cause, whose text may hold a password.
        raise LogError(
            f"the prediction log at {shown} does not answer ({describe_failure(error)}); check "
            "that it runs, and the user, password and database in the address"
        ) from None
    finally:
        engine.dispose()
