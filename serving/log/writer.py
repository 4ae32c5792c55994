"""The thread that writes entries into this process's spool, in groups.

A group is written and synced about every 20 ms while records come in, so a record is on the disk
within 50 ms of its answer, or, where the disk takes longer to sync, as soon as the disk allows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from serving.log.intake import Intake
from serving.log.spool import Spool
from serving.log.spools import open_spool

logger = logging.getLogger("bentoml.visionstack.log")

_GATHER_S = 0.015
_MAX_ENTRIES = 1_000
_RETRY_S = 0.5


class Writer:
    """Moves entries from the intake to the spool until it is stopped.

    Attributes:
      spool: the folder of this process; None until it could be made.
      failure: why nothing can be written now, in a few words; None where all is well. The same
        entries are tried again until they are written, so nothing that was taken is lost.
    """

    def __init__(self, intake: Intake, root: Path, on_written: Callable[[], None]) -> None:
        """Makes a writer.

        Args:
          intake: where entries come from.
          root: the folder that holds all spools.
          on_written: called after each group.
        """
        self._intake = intake
        self._root = root
        self._on_written = on_written
        self._is_stopping = threading.Event()
        self._n_at_most = _MAX_ENTRIES
        self.spool: Spool | None = None
        self.failure: str | None = None

    def run(self) -> None:
        """Works until :meth:`stop`; what cannot be written then is given up, and counted."""
        while not self._is_stopping.is_set():
            self._intake.to_write.wait(timeout=60)
            self._is_stopping.wait(_GATHER_S if self.failure is None else _RETRY_S)
            self._write_group(all_of_them=False)
        while self._write_group(all_of_them=True):
            continue
        if lost := self._intake.give_up():
            logger.error("%d records of the prediction log are lost: %s", lost, self.failure)

    def stop(self) -> None:
        """Asks :meth:`run` to write what is left, and to end."""
        self._is_stopping.set()
        self._intake.to_write.set()

    def _write_group(self, *, all_of_them: bool) -> bool:
        """Writes once what waits now; tells whether there was something, and it is written."""
        entries = self._intake.take(self._n_at_most, all_of_them=all_of_them)
        if not entries:
            return False
        try:
            if self.spool is None:
                self.spool = open_spool(self._root)
            self.spool.append(entries)
        except OSError as error:
            self._fail(error)
            # Perhaps there is room for some of them.
            self._n_at_most = max(1, len(entries) // 2)
            return False
        except Exception:  # the boundary: a defect costs a group of records, not all that follow
            logger.exception("%d entries of the prediction log are lost", len(entries))
            self._intake.lost()
            return True
        if self.failure is not None:
            logger.warning("The prediction log's spool can be written again")
            self.failure = None
        self._n_at_most = min(self._n_at_most * 2, _MAX_ENTRIES)
        self._intake.written()
        self._on_written()
        return True

    def _fail(self, error: OSError) -> None:
        why = error.strerror or type(error).__name__
        if self.failure is None:
            logger.error("The prediction log's spool %s cannot be written: %s", self._root, why)
        self.failure = why
        if isinstance(error, FileNotFoundError):
            self.spool = None  # somebody has removed the folder; a new one will do
