"""The state of one worker: loading what comes next, and the swap."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path

from serving.models.active import StoredVersion
from serving.models.fault import fault_point
from serving.models.load import load_model
from serving.models.notices import Notices, Why
from serving.models.refusal import Refusal, look_at
from serving.models.state import ModelRefused, State
from vision.bundles.load import ServingModel

logger = logging.getLogger("bentoml.visionstack")


class Current:
    """What a worker serves; its methods are called by whoever holds :attr:`changing`.

    Attributes:
      state: replaced as a whole, in one assignment.
      generation: the highest that was ever served.
      changing: held while a model is loaded and the state changed.
      stopped: set when the process ends.
      is_ready: set once there was a model.
      notices: who is told.
    """

    def __init__(self) -> None:
        self.state = State(None, "the model is being loaded; ask again in a second")
        self.generation = 0
        self.changing = threading.Lock()
        self.stopped = threading.Event()
        self.is_ready = threading.Event()
        self.notices = Notices()
        self._refused: dict[Path, Refusal] = {}

    def load(self, folder: Path, stored: StoredVersion | None) -> ServingModel:
        """Loads a bundle; one that was refused is only tried again once something has changed.

        That is its manifest, its signature or the trusted keys; else :meth:`forget_refusals` helps.

        Raises:
          ModelRefused: it cannot be served.
        """
        # Looked at before the load: what changes meanwhile is a reason to try again.
        found, refusal = look_at(folder), self._refused.get(folder)
        if refusal is not None and refusal.rests_on == found:
            raise refusal.again()
        try:
            identity = (stored.name, stored.version) if stored else None
            return load_model(folder, identity, self.stopped.is_set)
        except ModelRefused as error:
            if error.reason != "stopping":
                self._refused[folder] = Refusal(found, error.reason, str(error))
                self.notices.failed(error.reason)
            raise

    def forget_refusals(self) -> None:
        """Lets every bundle be tried again."""
        self._refused.clear()

    def swap(self, state: State, why: Why) -> None:
        """Makes ``state`` current; the model before it goes with the last request that holds it."""
        before, self.state = self.state, state
        self.generation = max(self.generation, state.generation)
        self.is_ready.set()
        fault_point("model-swapped")
        if before.model is not state.model or before.generation != state.generation:
            self.notices.changed(state, why)
            if state.model is not None:
                manifest = state.model.manifest
                words = "Serving %s %s (%s, generation %d)"
                logger.info(words, manifest.name, manifest.version, why, state.generation)
        fault_point("listeners-told")

    def report(self, problem: str) -> None:
        """Says what is wrong, in the state and once in the log."""
        model = self.state.model
        if model is None:
            detail, words = problem, "Not ready: %s"
        else:
            served = f"{model.manifest.name} {model.manifest.version}"
            detail, words = f"{problem}; serving {served} meanwhile", "%s"
        if detail != self.state.detail:
            self.state = replace(self.state, detail=detail)
            logger.warning(words, detail)
