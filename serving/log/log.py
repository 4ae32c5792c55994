"""The prediction log of one worker process: records in, rows out, and nobody waits.

::

    put() -> memory -> [measure images] -> [write to the spool, sync] -> [store in the database]
             a request pays this only      three threads do the rest

What :meth:`PredictionLog.put` took is on this machine's disk within 50 ms, and in the database as
soon as that takes it, once, also after a crash. See docs/prediction-log.md.
"""

from __future__ import annotations

import logging
import threading
import time

import sqlalchemy as sa

from serving.log import finding
from serving.log.database import Database
from serving.log.drainer import Drainer
from serving.log.errors import LogError
from serving.log.images import ImageFolder, ImagePolicy
from serving.log.intake import Intake
from serving.log.measuring import Measurer
from serving.log.spool import Spool
from serving.log.spools import find_entries
from serving.log.status import LogStatus
from serving.log.writer import Writer
from serving.record import Record
from serving.schema import StoredPrediction
from serving.settings import ServiceSettings

logger = logging.getLogger("bentoml.visionstack.log")

_NO_ANSWER = "the prediction log's database does not answer; ask again later"
# About what a prediction takes: without room for that much the log counts as full.
_USUAL_BYTES = 2_000
# A database that is up and says nothing: slower than any batch that it could be busy with.
_SILENT_S = 30.0
# At the end of the process: images that wait are measured, entries written, rows stored.
_MEASURES_WITHIN_S, _WRITES_WITHIN_S, _STORES_WITHIN_S = 2.0, 5.0, 3.0


class PredictionLog:
    """Takes records of any kind from any thread."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Opens nothing; that is for :meth:`start`."""
        self._is_off = settings.log == "off"
        self._folder = settings.log_folder
        self._spool_bytes = settings.log_spool_bytes
        self._root = self._folder / "spool"
        self._intake = Intake(self._has_room)
        policy = ImagePolicy(
            settings.log_images, settings.log_images_bytes, settings.log_images_days
        )
        images = ImageFolder(self._folder / "images", policy)
        self._database = Database(settings.database_url)
        self._drainer = Drainer(self._database, self._root, lambda: self._writer.spool)
        self._writer = Writer(self._intake, self._root, self._drainer.wake)
        self._measurer = Measurer(self._intake, images)
        self._threads: tuple[threading.Thread, ...] = ()

    def start(self) -> None:
        """Starts the threads; whatever is down is tried again by them."""
        if self._is_off or self._threads:
            return
        parts = {
            "log-measure": self._measurer.run,
            "log-write": self._writer.run,
            "log-store": self._drainer.run,
        }
        self._threads = tuple(
            threading.Thread(target=run, name=name, daemon=True) for name, run in parts.items()
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads within ten seconds; what was put so far is on the disk by then.

        What the database did not take is stored by the next process that starts.
        """
        self._intake.close()
        if not self._threads:
            return
        measures, writes, stores = self._threads
        self._measurer.stop()
        measures.join(_MEASURES_WITHIN_S)
        self._writer.stop()
        writes.join(_WRITES_WITHIN_S)
        self._drainer.stop()
        stores.join(_STORES_WITHIN_S)
        self._threads = ()
        if writes.is_alive() or stores.is_alive():
            # They hold files and connections; the lock on the spool goes with the process.
            logger.error("The prediction log did not stop; what it holds is stored after a restart")
            return
        if self._writer.spool is not None:
            self._writer.spool.close()
        self._drainer.close()
        self._database.close()

    def put(self, record: Record) -> bool:
        """Takes a record, without waiting for anything.

        Returns:
          whether it will be kept; False where the disk is full, or too much waits already.
        """
        if self._is_off:
            return True
        try:
            return self._intake.put(record)
        except Exception:  # the boundary: a record that cannot be described must not cost an answer
            logger.exception("A record cannot be logged")
            self._intake.count_drop()
            return False

    def find(self, request_id: str) -> StoredPrediction | None:
        """Returns a prediction with its feedback; None where the log never had it.

        Raises:
          LogError: the database does not answer within 2 s, and nothing that waits for it is the
            prediction.
        """
        if self._is_off:
            return None
        found = [finding.in_entries(self._intake.find(request_id))]
        found.append(finding.in_entries(find_entries(self._root, request_id)))
        is_known = any(each.prediction is not None for each in found)
        if self._drainer.is_connected:
            try:
                found.append(finding.in_database(self._database.reader(), request_id))
            except (LogError, OSError, sa.exc.SQLAlchemyError) as error:
                if not is_known:
                    raise LogError(_NO_ANSWER) from error
        elif not is_known:
            raise LogError(_NO_ANSWER)
        return finding.joined(found)

    @property
    def status(self) -> LogStatus:
        """How it does now; cheap."""
        if self._is_off:
            return LogStatus("off")
        spools = self._spools()
        n_waiting = self._intake.n_waiting + sum(spool.n_waiting for spool in spools)
        waiting_bytes = sum(spool.waiting_bytes for spool in spools)
        n_dropped = self._intake.n_dropped + self._drainer.n_refused
        sentences = []
        if (trouble := self._trouble()) is not None:
            sentences.append(f"{trouble} {n_waiting:,} records wait.")
        if self._writer.failure is not None:
            sentences.append(
                f"Records are dropped: the spool cannot be written ({self._writer.failure})."
            )
        elif self._intake.is_full or not self._has_room(_USUAL_BYTES):
            sentences.append("Records are dropped: as much waits as may.")
        return LogStatus(
            "degraded" if sentences else "ok",
            " ".join(sentences),
            n_waiting,
            n_dropped,
            waiting_bytes,
        )

    def _trouble(self) -> str | None:
        """Says what is wrong with the database, if anything is."""
        since = self._drainer.busy_since
        if self._drainer.failure is None and since and time.monotonic() - since > _SILENT_S:
            return f"The prediction log's database has not answered for {_SILENT_S:g} s."
        return self._drainer.failure

    def _spools(self) -> list[Spool]:
        own = self._writer.spool
        return [*self._drainer.adopted, *([own] if own is not None else ())]

    def _has_room(self, n_bytes: int) -> bool:
        """Tells whether so many more bytes may be promised a place on the disk."""
        if self._writer.failure is not None:
            return False
        waiting = self._intake.waiting_bytes + sum(s.waiting_bytes for s in self._spools())
        return waiting + n_bytes <= self._spool_bytes
