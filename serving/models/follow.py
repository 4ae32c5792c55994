"""Follows the pointers: what another worker has activated, or a pipeline has promoted."""

from __future__ import annotations

import logging
import time

from serving.models.active import StoredVersion
from serving.models.change import version_of
from serving.models.current import Current
from serving.models.locate import (
    Choice,
    Signature,
    choose_champion,
    choose_settled,
    is_pinned,
    pointer_signature,
)
from serving.models.state import ModelRefused, State
from vision.bundles.load import ServingModel
from vision.errors import BundleError
from vision.home import home

logger = logging.getLogger("bentoml.visionstack")

# Two changes within one tick of the file system's clock look like one: look closely now and then.
LOOK_CLOSELY_S = 10.0


class Follower:
    """Brings one worker to what the pointers say.

    Attributes:
      served_before: the champion that was served before the present one, where champions are
        followed.
    """

    def __init__(self, current: Current) -> None:
        self.served_before: tuple[StoredVersion, ...] = ()
        self._current = current
        self._seen: Signature | None = None
        self._looked_at = 0.0
        self._is_settled = False

    def look(self) -> None:
        """Looks once; does nothing where the pointers are as before and all was well."""
        try:
            self._look()
        except Exception as error:  # a defect must not end the watch, nor what is served
            problem = f"the served model cannot be changed because of a defect, {error!r}"
            if problem not in self._current.state.detail:
                logger.exception("The model host has a defect")
            self._current.report(problem)

    def _look(self) -> None:
        seen = pointer_signature()
        is_close = time.monotonic() - self._looked_at >= LOOK_CLOSELY_S
        if seen == self._seen and self._is_settled and not is_close:
            return
        with self._current.changing:
            choice, seen = choose_settled()
            if seen != self._seen:
                self._current.forget_refusals()
            self._seen, self._looked_at = seen, time.monotonic()
            if not self._current.stopped.is_set():
                self._follow(choice)

    def _follow(self, choice: Choice | BundleError) -> None:
        # A folder that is not there yet may come without any pointer changing: look again.
        self._is_settled = False
        try:
            if isinstance(choice, BundleError):
                raise choice
            self._take(choice)
            self._is_settled = True
            return
        except ModelRefused as error:
            problem = str(error)
        except BundleError as error:
            problem = str(error).replace(f"{home()}/", "")
        if self._current.stopped.is_set():
            return
        if self._current.state.model is None and not is_pinned():
            self._fall_back()
        self._current.report(problem)

    def _fall_back(self) -> None:
        """Serves the champion rather than nothing."""
        try:
            self._take(choose_champion())
        except BundleError:
            # Either the same problem again, or one that comes after it.
            return

    def _take(self, choice: Choice) -> None:
        current = self._current.state.model
        if current is not None and current.folder == choice.folder:
            self._current.swap(_state(current, choice), "follow")
            return
        model = self._current.load(choice.folder, choice.stored)
        if current is None:
            self._current.swap(_state(model, choice), "start")
            return
        if choice.generation == self._current.state.generation == 0:
            self.served_before = (version_of(current),)
        self._current.swap(_state(model, choice), "follow")


def _state(model: ServingModel, choice: Choice) -> State:
    return State(model, generation=choice.generation, promoted_at=choice.promoted_at)
