"""Tries a candidate beside the active model, in one worker.

A thread of its own looks about every second at the candidate pointer, so that all workers follow;
loading a candidate never holds up a swap. A candidate that cannot be loaded changes nothing: its
requests are answered by the active model until it can. A candidate is only used beside another
version of the same model, so the swap that makes it the active version ends it at once. One whose
time is over gets no request any more, and the next look removes its pointer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from serving.models import change
from serving.models.active import StoredVersion
from serving.models.beside import is_beside, is_over, not_beside
from serving.models.candidate import (
    Candidate,
    Mode,
    candidate_locked,
    candidate_path,
    read_candidate,
    remove_candidate,
    write_candidate,
)
from serving.models.load import load_model
from serving.models.locate import (
    check_not_pinned,
    file_signature,
    is_pinned,
    pointer_signature,
)
from serving.models.refusal import look_at_stored
from serving.models.state import ModelRefused
from serving.models.tried import Trial, has_ended, in_words, is_worth_a_try
from vision.bundles.load import ServingModel
from vision.errors import BundleError

logger = logging.getLogger("bentoml.visionstack")

LOOK_AGAIN_S = 1.0
BUSY_AFTER_S = 10.0
STOP_WITHIN_S = 2.0


OnTrial = Callable[[Trial | None], None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TrialHost:
    """Tries one candidate at a time.

    Args:
      served: returns the active model; None as long as there is none.
      on_change: called with each new trial, and with None when one has ended.
      look_again_s: how often the pointer is looked at.
      clock: the time, UTC.
    """

    def __init__(
        self,
        served: Callable[[], ServingModel | None],
        on_change: OnTrial,
        look_again_s: float = LOOK_AGAIN_S,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._served = served
        self._clock = clock
        self._on_change = on_change
        self._look_again_s = look_again_s
        self._trial: Trial | None = None
        self._changing = threading.Lock()
        self._stopped = threading.Event()
        self._seen: object = None
        self._is_failing = False
        self._thread: threading.Thread | None = None

    @property
    def trial(self) -> Trial | None:
        """What is tried now beside the active model."""
        trial, served = self._trial, self._served()
        if trial is None or served is None or not is_beside(trial.candidate, served):
            return None
        return None if has_ended(trial, self._clock()) else trial

    def model_for(self, request_id: str, mode: Mode) -> ServingModel | None:
        """Returns the candidate if it has a request in this mode, else None."""
        trial = self._trial
        if trial is None or trial.candidate.mode != mode or not trial.candidate.has(request_id):
            return None
        trial = self.trial
        return trial.model if trial else None

    def is_candidate(self, model: ServingModel) -> bool:
        """Tells whether a model is the candidate of this moment."""
        trial = self._trial
        return trial is not None and trial.model is model and model is not self._served()

    def start(self) -> None:
        """Begins to follow the pointer; returns at once, and does so only once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="trial-host", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a load under way ends after its present step, or with the process."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(STOP_WITHIN_S)

    def propose(
        self, name: str, version: str, mode: Mode, share: float, for_s: float | None = None
    ) -> Trial:
        """Tries a version of the store from now on, here and in all workers; blocks.

        Args:
          name: of the model that is served.
          version: another one than is served.
          mode: whether it answers its requests.
          share: of the requests.
          for_s: after which it ends by itself; None where somebody ends it.

        Raises:
          ModelPinned: the environment says what is served.
          ModelRefused: the version is not tried, and nothing has changed.
        """
        target = change.stored_version(name, version)
        check_not_pinned(name)
        served = self._served()
        if served is None or not is_beside(target, served):
            raise ModelRefused("not_beside", not_beside(target, served))
        with self._one_change():
            model, now = self._load(target), self._clock()
            candidate = Candidate(
                **target.model_dump(),
                mode=mode,
                share=share,
                since=now,
                until=None if for_s is None else now + timedelta(seconds=for_s),
            )
            trial = Trial(candidate, model)
            write_candidate(candidate)
            self._set(trial)
            return trial

    def end(self) -> Candidate | None:
        """Ends the trial, here and in all workers, and returns what was tried.

        Raises:
          ModelRefused: the pointer cannot be removed now.
        """
        with self._one_change():
            # Also one that this worker has not learnt of yet.
            ended = _read() or (self._trial.candidate if self._trial else None)
            remove_candidate()
            self._set(None)
            return ended

    def look(self) -> None:
        """Looks once at the pointers; does nothing where they are as before."""
        try:
            self._look()
            self._is_failing = False
        except Exception:  # a defect must not end the watch, nor what is served
            if not self._is_failing:
                logger.exception("The candidate cannot be followed")
            self._is_failing, self._seen = True, None

    def _look(self) -> None:
        if self._signature() == self._seen and not is_worth_a_try(self._trial):
            return
        with self._changing:
            self._seen, pointers = self._signature(), _pointers()
            if not self._stopped.is_set():
                self._follow()
            # One that came and goes again would look as if there had never been any.
            if _pointers() != pointers:
                self._seen = None

    def _signature(self) -> object:
        return _pointers(), id(self._served()), has_ended(self._trial, self._clock())

    def _follow(self) -> None:
        candidate = None if is_pinned() else _read()
        if candidate is not None and (candidate.has_ended(self._clock()) or is_over(candidate)):
            self._set(None)
            with candidate_locked(BUSY_AFTER_S):
                # Another one may have been set since.
                if read_candidate() == candidate:
                    remove_candidate()
        elif candidate is None:
            self._set(None)
        elif (
            self._trial is None or self._trial.candidate != candidate or is_worth_a_try(self._trial)
        ):
            self._set(self._try(candidate))

    def _try(self, candidate: Candidate) -> Trial:
        found = look_at_stored(candidate.bento_model)
        try:
            return Trial(candidate, self._load(candidate))
        except ModelRefused as error:
            return Trial(candidate, None, str(error), found)

    def _load(self, target: StoredVersion) -> ServingModel:
        folder = change.find_stored(target)
        tried = self._trial.model if self._trial else None
        if tried is not None and tried.folder == folder:
            return tried
        return load_model(folder, (target.name, target.version), self._stopped.is_set)

    def _set(self, trial: Trial | None) -> None:
        if trial is not self._trial:
            self._trial = trial
            logger.info("Trying %s beside the active model", in_words(trial))
        self._on_change(trial)

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        """Keeps every other change of the candidate away, of this worker and of the others."""
        if not self._changing.acquire(timeout=BUSY_AFTER_S):
            raise ModelRefused("busy", "another candidate is being loaded; try again soon")
        try:
            with candidate_locked(BUSY_AFTER_S):
                yield
        finally:
            # Another worker may undo it before this one looks, and all seem as it was before.
            self._seen = None
            self._changing.release()

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(self._look_again_s):
            self.look()


def _pointers() -> object:
    return file_signature(candidate_path()), pointer_signature()


def _read() -> Candidate | None:
    """Returns the pointer; None where nothing is tried, or the file is damaged."""
    try:
        return read_candidate()
    except BundleError as error:
        logger.warning("%s", error)
        return None
