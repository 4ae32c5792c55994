"""The thread that moves entries from the spools to the database.

It adopts the spools of dead processes too. While the database is down it tries again after 0.1 s,
then 0.2 s and so on, at most every 4 s; nobody waits for it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from serving.log.database import Database
from serving.log.engine import describe_failure
from serving.log.errors import LogError
from serving.log.frames import encode
from serving.log.spool import Spool
from serving.log.spools import adopt_spools

logger = logging.getLogger("bentoml.visionstack.log")

BATCH = 2_000
# Rows are stored together, since a transaction costs as much as fifty of them.
_GATHER_S = 1.0
_ADOPT_EVERY_S = 5.0
_STOPS_WITHIN_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 4.0


class Drainer:
    """Stores what waits in the spools until it is stopped.

    Attributes:
      adopted: spools of dead processes that still hold something.
      n_refused: entries that the database will never take; they are in quarantine.
      failure: why nothing can be stored now, as a sentence; None where all is well.
      is_connected: whether the database was reached at least once, and the last time.
      busy_since: when the database was last asked, on the monotonic clock; None once it answered.
    """

    def __init__(self, database: Database, root: Path, own: Callable[[], Spool | None]) -> None:
        """Makes a drainer.

        Args:
          database: where entries go.
          root: the folder that holds all spools.
          own: returns the spool of this process.
        """
        self._database = database
        self._root = root
        self._own = own
        self._is_stopping = threading.Event()
        self._has_work = threading.Event()
        self._adopts_at = 0.0
        self._ends_at = float("inf")
        self._pause_s = _FIRST_PAUSE_S
        self.adopted: list[Spool] = []
        self.n_refused = 0
        self.failure: str | None = None
        self.is_connected = False
        self.busy_since: float | None = None

    def wake(self) -> None:
        """Says that there is something new to store."""
        if not self._has_work.is_set():
            self._has_work.set()

    def stop(self) -> None:
        """Asks :meth:`run` to end after one more attempt to store everything."""
        self._ends_at = time.monotonic() + _STOPS_WITHIN_S
        self._is_stopping.set()
        self._has_work.set()

    def run(self) -> None:
        """Works until :meth:`stop`."""
        while True:
            is_last = self._is_stopping.is_set()
            self._has_work.clear()
            self.busy_since = time.monotonic()
            try:
                self._store_all()
            except (LogError, OSError, sa.exc.SQLAlchemyError) as error:
                self._fail(error)
            except Exception as error:  # the boundary: a defect must not end the storing for good
                logger.exception("The prediction log has a defect")
                self._fail(error)
            else:
                self._recover()
            self.busy_since = None
            if is_last:
                return
            if self.failure is None:
                self._has_work.wait(_ADOPT_EVERY_S)
                self._is_stopping.wait(_GATHER_S)
            else:
                # Several processes that lost one database do not come back in step.
                self._is_stopping.wait(self._pause_s * random.uniform(0.8, 1.2))  # noqa: S311
                self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def close(self) -> None:
        """Gives the adopted spools back."""
        for spool in self.adopted:
            spool.close()
        self.adopted = []

    def _store_all(self) -> None:
        """Empties all spools.

        Raises:
          LogError, OSError, SQLAlchemyError: the database or a spool is out of reach.
        """
        if time.monotonic() >= self._adopts_at:
            self._adopts_at = time.monotonic() + _ADOPT_EVERY_S
            self.adopted += adopt_spools(self._root)
        self._database.prepare()
        self.is_connected = True
        own = self._own()
        for spool in (*self.adopted, *([own] if own else ())):
            while not self._is_late() and self._store_some(spool):
                self._recover()
        for spool in [each for each in self.adopted if not each.waiting_bytes]:
            self.adopted.remove(spool)
            spool.close()

    def _store_some(self, spool: Spool) -> bool:
        """Stores one batch of a spool; tells whether there may be another."""
        chunk = spool.read(BATCH)
        if chunk is None:
            return False
        for entry in self._database.store(chunk.entries) if chunk.entries else ():
            self.n_refused += 1
            spool.set_aside(encode(entry))
        spool.forget(chunk)
        return True

    def _is_late(self) -> bool:
        return time.monotonic() > self._ends_at

    def _fail(self, error: Exception) -> None:
        is_ours = isinstance(error, LogError)
        why = str(error) if is_ours else describe_failure(error)
        if self.failure is None:
            logger.error("The prediction log's database takes nothing now: %s", why)
        self.is_connected = False
        said = f"The prediction log's database does not take anything ({why})."
        self.failure = why if is_ours else said

    def _recover(self) -> None:
        if self.failure is not None:
            logger.warning("The prediction log's database takes records again")
        self._pause_s, self.failure = _FIRST_PAUSE_S, None
        self.busy_since = time.monotonic()
