"""The drift check of one model version in one worker; one thread does all of it.

Every worker writes what it predicted to the shared window and reads the shared verdict. The one
that is elected also has the detectors run. Nothing here waits: a check that is under way is asked
for at each turn.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from serving.drift.beginning import Beginning, Followed
from serving.drift.checking import CheckError, CheckingProcess
from serving.drift.making import Mover
from serving.drift.pace import Pace
from serving.drift.places import Election, place_of, remove_old
from serving.drift.plan import plan_for
from serving.drift.verdict import Checked, VerdictFile
from serving.drift.window import Window
from serving.record import DriftRecord, PredictionRecord, now
from serving.settings import ServiceSettings

logger = logging.getLogger("bentoml.visionstack")

# Opening detectors may import a large package: 3.5 s of a core with alibi-detect, and minutes of
# waiting where requests take all cores, since the process is nice.
LOADS_WITHIN_S = 300.0
# What cannot be written is told again after so long.
_TELL_AGAIN_S = 3600.0

Report = Callable[[DriftRecord], None]
Trouble = Literal["window", "verdict"]


class VersionCheck:
    """Window, verdict and, if elected, the checking process of one model version."""

    def __init__(
        self,
        root: Path,
        followed: Followed,
        settings: ServiceSettings,
        process: CheckingProcess,
        report: Report,
    ) -> None:
        """Reads which sizes the bundle was calibrated for, and writes nothing yet.

        Args:
          root: of all versions' windows.
          followed: the version.
          settings: intervals and limits.
          process: the checking process; another version's detectors may be in it.
          report: gets a record of every check that this worker had made.
        """
        self.followed = followed
        self.plan = plan_for(followed.bundle, settings)
        self.last = Checked(key=followed.key)
        self._root = root
        self._folder = place_of(root, followed.key)
        self._timeout_s = settings.drift_timeout_s
        self._beginning = Beginning(self._folder, followed)
        self._window = Window(self._folder, self.plan.capacity)
        self._file = VerdictFile(self._folder)
        self._election = Election(self._folder)
        self._process = process
        self._report = report
        self._mover = Mover(self._window)
        # Whether this version's detectors are in the process.
        self._is_loaded = False
        self._n_asked = 0
        self._started = time.monotonic()
        self._pace = Pace(self.plan.every_s)
        # What could not be written, and when that was told.
        self._troubles: dict[Trouble, float] = {}
        self._is_elected = False

    @property
    def n_waiting(self) -> int:
        """Predictions in the window that a check would look at."""
        if self.last.begun is None:
            return 0
        return min(max(0, self._window.n_written()), self.plan.most)

    def turn(self, records: Sequence[PredictionRecord]) -> None:
        """Does what is to be done now: moves rows, reads the verdict, has the detectors run."""
        try:
            self.move(records)
            is_in_charge = self._is_in_charge()
        except OSError as error:
            self._tell_trouble("window", error)
            return
        if not self._troubles:
            found = self._file.read_new()
            self.last = found if found is not None and self._is_ours(found) else self.last
        if is_in_charge:
            self._work()

    def move(self, records: Sequence[PredictionRecord]) -> None:
        """Writes predictions to the window; those of other versions are passed over.

        Raises:
          OSError: the window cannot be written.
        """
        self._begin()
        key = self.followed.key
        ours = [each for each in records if (each.model_name, each.model_version) == key]
        if self._mover.move(ours):
            self._end_trouble("window")

    def leave(self) -> None:
        """Ends what runs and lets another worker be elected; the files stay."""
        self._process.end()
        self._election.leave()
        self._window.close()

    def _begin(self) -> None:
        """Sees whether window and verdict were begun anew, here or by another worker."""
        begun = self._beginning.look()
        if begun == self.last.begun:
            return
        if self._process.is_busy:
            self._process.end()
        self.last = Checked(key=self.followed.key, begun=begun)
        self._troubles.pop("window", None)
        self._file.forget()

    def _is_ours(self, found: Checked) -> bool:
        return (found.key, found.begun) == (self.followed.key, self.last.begun)

    def _is_in_charge(self) -> bool:
        is_won = self._election.is_won()
        if is_won and not self._is_elected:
            self._file.tidy()
            remove_old(self._root, self._folder)
        if self._is_elected and not is_won:
            self._process.end()
        self._is_elected = is_won
        return is_won

    def _work(self) -> None:
        try:
            if self._process.is_busy:
                self._take_answer()
            elif self._is_due():
                self._ask()
        except CheckError as error:
            self._note_failure(str(error))
        except (ValidationError, KeyError) as error:
            self._process.end()
            self._note_failure(f"the checking process gave no result: {error}")

    def _is_due(self) -> bool:
        n_written = self._window.n_written()
        n_new = n_written - self.last.n_seen
        if n_new < 0:  # the window was begun anew
            n_new = n_written
        if n_new == 0 or min(n_written, self.plan.most) < self.plan.least:
            return False
        if self._pace.is_resting:
            return False
        return n_new >= self.plan.every_n or self._seconds_since_check() >= self.plan.every_s

    def _seconds_since_check(self) -> float:
        checked_at = self.last.verdict.checked_at
        if checked_at is None:
            return time.monotonic() - self._started
        # Where the clock was set back, it counts as long ago.
        return abs((now() - checked_at).total_seconds())

    def _ask(self) -> None:
        self._n_asked = self._window.n_written()
        self._is_loaded = self._is_loaded and self._process.pid is not None
        if self._is_loaded:
            self._ask_for_check()
        else:
            question = {"load": str(self.followed.bundle.absolute())}
            self._process.ask(question, max(LOADS_WITHIN_S, self._timeout_s))

    def _ask_for_check(self) -> None:
        question = {"window": str(self._window.path.absolute()), "most": self.plan.most}
        self._process.ask(question, self._timeout_s)

    def _take_answer(self) -> None:
        answer = self._process.poll()
        if answer is None:
            return
        if not self._is_loaded:
            self._is_loaded = True
            self._pace.loaded(self._process.cost_s)
            self._ask_for_check()
            return
        self._note(self.last.found(answer, now(), self._process.seconds))

    def _note_failure(self, reason: str) -> None:
        self._is_loaded = self._is_loaded and self._process.pid is not None
        logger.warning("The drift check failed: %s", reason)
        # Clients are told the reason, and where things are is none of their business.
        reason = reason.replace(str(self.followed.bundle.absolute()), "the bundle")
        reason = reason.replace(str(self._folder), "the window's folder")
        self._note(self.last.failed(reason, now(), self._n_asked, self.n_waiting))

    def _note(self, checked: Checked) -> None:
        self.last = checked
        self._pace.checked(self._process.cost_s)
        self._report(_record_of(checked))
        try:
            self._file.write(checked)
            self._end_trouble("verdict")
        except OSError as error:
            self._tell_trouble("verdict", error)

    def _end_trouble(self, what: Trouble) -> None:
        if self._troubles.pop(what, None) is not None and not self._troubles:
            # What the other workers have found meanwhile.
            self._file.forget()

    def _tell_trouble(self, what: Trouble, error: OSError) -> None:
        """Makes a disk that is full or cannot be written the verdict, here in memory.

        It stays so until what failed works again, and is told now and then.
        """
        at = time.monotonic()
        again_s = min(self.plan.every_s, _TELL_AGAIN_S)
        is_told = at - self._troubles.get(what, -math.inf) < again_s
        if is_told and self.last.verdict.status == "error":
            return
        self._troubles[what] = at
        reason = f"The {what} of the drift check cannot be kept: {error.strerror or error}."
        logger.warning("%s", reason)
        self.last = self.last.failed(reason, now(), self.last.n_seen, self.n_waiting)
        self._report(_record_of(self.last))


def _record_of(checked: Checked) -> DriftRecord:
    assert checked.key is not None
    views = {view: test.model_dump() for view, test in checked.views.items()}
    detail = {"error": checked.detail} if checked.verdict.status == "error" else views
    verdict = checked.verdict
    return DriftRecord(uuid.uuid4().hex, *checked.key, verdict.status, verdict.n_images, detail)
