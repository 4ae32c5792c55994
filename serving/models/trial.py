"""Tries a candidate beside the active model, in one worker.

A thread of its own looks about every second at the candidate pointer, so that all workers follow;
loading a candidate never holds up a swap. A candidate that cannot be loaded changes nothing: its
requests are answered by the active model. A candidate is only used beside another version of the
same model, so the swap that makes it the active version ends it at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

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
from serving.models.state import ModelRefused
from vision.bundles.load import ServingModel
from vision.errors import BundleError

logger = logging.getLogger("bentoml.visionstack")

LOOK_AGAIN_S = 1.0
BUSY_AFTER_S = 10.0
STOP_WITHIN_S = 2.0


@dataclass(frozen=True)
class Trial:
    """What is tried at one moment; replaced as a whole and never changed.

    Attributes:
      candidate: what the pointer says.
      model: None where it cannot be loaded here.
      detail: why not.
    """

    candidate: Candidate
    model: ServingModel | None
    detail: str = ""


OnTrial = Callable[[Trial | None], None]


class TrialHost:
    """Tries one candidate at a time.

    Args:
      served: returns the active model; None as long as there is none.
      on_change: called with each new trial, and with None when one has ended.
      look_again_s: how often the pointer is looked at.
    """

    def __init__(
        self,
        served: Callable[[], ServingModel | None],
        on_change: OnTrial,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._served = served
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
        return trial

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

    def propose(self, name: str, version: str, mode: Mode, share: float) -> Trial:
        """Tries a version of the store from now on, here and in all workers; blocks.

        Raises:
          ModelPinned: the environment says what is served.
          ModelRefused: the version is not tried, and nothing has changed.
        """
        target = change.stored_version(name, version)
        check_not_pinned(name)
        candidate = Candidate(**target.model_dump(), mode=mode, share=share)
        served = self._served()
        if served is None or not is_beside(target, served):
            raise ModelRefused("not_beside", not_beside(target, served))
        with self._one_change():
            trial = Trial(candidate, self._load(target))
            write_candidate(candidate)
            self._set(trial)
            return trial

    def end(self) -> Candidate | None:
        """Ends the trial, here and in all workers, and returns what was tried.

        Raises:
          ModelRefused: the pointer cannot be removed now.
        """
        with self._one_change():
            ended = self._trial
            remove_candidate()
            self._set(None)
            return ended.candidate if ended else None

    def look(self) -> None:
        """Looks once at the pointers; does nothing where they are as before."""
        try:
            self._look()
            self._is_failing = False
        except Exception:  # a defect must not end the watch, nor what is served
            if not self._is_failing:
                logger.exception("The candidate cannot be followed")
            self._is_failing = True

    def _look(self) -> None:
        seen = (file_signature(candidate_path()), pointer_signature(), id(self._served()))
        if seen == self._seen:
            return
        with self._changing:
            self._seen = seen
            if not self._stopped.is_set():
                self._follow()

    def _follow(self) -> None:
        try:
            candidate = None if is_pinned() else read_candidate()
        except BundleError as error:
            logger.warning("%s", error)
            candidate = None
        if candidate is not None and is_over(candidate):
            with _writing(), candidate_locked(BUSY_AFTER_S):
                # Another one may have been set since.
                if read_candidate() == candidate:
                    remove_candidate()
            candidate = None
        if candidate is None:
            self._set(None)
        elif self._trial is None or self._trial.candidate != candidate:
            self._set(self._try(candidate))

    def _try(self, candidate: Candidate) -> Trial:
        try:
            return Trial(candidate, self._load(candidate))
        except ModelRefused as error:
            return Trial(candidate, None, str(error))

    def _load(self, target: StoredVersion) -> ServingModel:
        folder = change.find_stored(target)
        tried = self._trial.model if self._trial else None
        if tried is not None and tried.folder == folder:
            return tried
        return load_model(folder, (target.name, target.version), self._stopped.is_set)

    def _set(self, trial: Trial | None) -> None:
        if trial is not self._trial:
            self._trial = trial
            words = "nothing" if trial is None else _in_words(trial)
            logger.info("Trying %s beside the active model", words)
        self._on_change(trial)

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        """Keeps every other change of the candidate away, of this worker and of the others."""
        if not self._changing.acquire(timeout=BUSY_AFTER_S):
            raise ModelRefused("busy", "another candidate is being loaded; try again soon")
        with ExitStack() as held:
            held.callback(self._changing.release)
            held.enter_context(_writing())
            held.enter_context(candidate_locked(BUSY_AFTER_S))
            yield

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(self._look_again_s):
            self.look()


def _in_words(trial: Trial) -> str:
    candidate = trial.candidate
    words = f"{candidate.name} {candidate.version} ({candidate.mode}, {candidate.share:.0%})"
    return f"{words}, which failed: {trial.detail}" if trial.detail else words


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"the candidate pointer cannot be written: {error.strerror or error}"
        raise ModelRefused("not_written", problem) from error
