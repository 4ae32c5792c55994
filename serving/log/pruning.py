"""Removes what is old: predictions, calls, feedback and drift checks, and images.

The history of what was deployed stays, and so do the names of model versions: both are small.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.log.engine import is_sqlite, writing
from serving.log.images import list_images, remove_older
from serving.log.tables import api_log, drift_checks, feedback, predictions

_TABLES = {
    "predictions": predictions,
    "calls": api_log,
    "feedback": feedback,
    "drift checks": drift_checks,
}
# A service that writes to the same sqlite file waits for one such group at most.
_GROUP = 5_000


@dataclass(frozen=True)
class Pruned:
    """What goes, or went.

    Attributes:
      rows: how many by what they are.
      n_images: files of images.
      image_bytes: what they take.
    """

    before: datetime
    rows: dict[str, int]
    n_images: int
    image_bytes: int

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing of that age."""
        return not any(self.rows.values()) and not self.n_images

    def summary(self) -> str:
        """Says it in a line."""
        counts = ", ".join(f"{number:,} {what}" for what, number in self.rows.items())
        return (
            f"before {self.before:%Y-%m-%d %H:%M} UTC: {counts}, {self.n_images:,} images "
            f"({self.image_bytes:,} bytes)"
        )


def plan_prune(engine: Engine, images: Path, before: datetime) -> Pruned:
    """Counts what is older than ``before``; changes nothing.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    with engine.connect() as connection:
        rows = {
            what: connection.execute(
                sa.select(sa.func.count()).select_from(table).where(table.c.time < before)
            ).scalar_one()
            for what, table in _TABLES.items()
        }
    sizes = [size for written, size, _ in list_images(images) if written < before.timestamp()]
    return Pruned(before, rows, len(sizes), sum(sizes))


def prune(engine: Engine, images: Path, before: datetime) -> Pruned:
    """Removes what is older than ``before``, and gives its space back to the disk.

    Raises:
      SQLAlchemyError: the database does not answer; what was removed by then is gone.
    """
    planned = plan_prune(engine, images, before)
    rows = {what: _delete(engine, table, before) for what, table in _TABLES.items()}
    remove_older(images, before.timestamp())
    if is_sqlite(engine):
        _give_back(engine)
    return Pruned(before, rows, planned.n_images, planned.image_bytes)


def _delete(engine: Engine, table: sa.Table, before: datetime) -> int:
    old = sa.select(table.c.id).where(table.c.time < before).limit(_GROUP)
    n_removed = 0
    while True:
        with writing(engine).begin() as connection:
            removed = connection.execute(sa.delete(table).where(table.c.id.in_(old))).rowcount
        n_removed += removed
        if removed < _GROUP:
            return n_removed


def _give_back(engine: Engine) -> None:
    """Shortens the sqlite file; PostgreSQL does that by itself."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        # A page is given back for each row that is fetched, and executescript fetches all.
        driver.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
