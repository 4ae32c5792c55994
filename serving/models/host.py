"""Holds the model that is served, from the start of the process to its end.

A thread of its own looks about every second whether another version was activated, here or in
another worker, so that the process answers at once that it is alive and all workers follow. A
version becomes current only after its checksums, its golden images and a warm-up, by one
assignment; whoever holds the one before keeps it until the request is done. A failure is a state
to report and not a reason to exit: a worker that exits is started again for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from serving.model_schema import StoredModel
from serving.models import change
from serving.models.active import Active, locked, read_active, write_active
from serving.models.current import Current
from serving.models.fault import fault_point
from serving.models.follow import Follower
from serving.models.listing import Listing
from serving.models.load import load_model
from serving.models.locate import check_not_pinned, choose_champion, is_wanted
from serving.models.notices import OnChange, OnFailure, Why
from serving.models.state import Activated, ModelRefused, State
from vision.errors import BundleError

__all__ = ["ModelHost", "State", "load_model"]

logger = logging.getLogger("bentoml.visionstack")

LOOK_AGAIN_S = 1.0
BUSY_AFTER_S = 10.0
# A load that hangs in ONNX Runtime dies with the process, which does no harm to anything.
STOP_WITHIN_S = 2.0


class ModelHost:
    """Serves one model at a time, in one worker."""

    def __init__(
        self,
        look_again_s: float = LOOK_AGAIN_S,
        busy_after_s: float = BUSY_AFTER_S,
        stop_within_s: float = STOP_WITHIN_S,
    ) -> None:
        self._look_again_s = look_again_s
        self._busy_after_s = busy_after_s
        self._stop_within_s = stop_within_s
        self._current = Current()
        self._follower = Follower(self._current)
        self._listing = Listing()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> State:
        """What is served now; a request takes the model in it once, and keeps it to its end."""
        return self._current.state

    @state.setter
    def state(self, state: State) -> None:
        """Serves what was loaded elsewhere, where no pointer is followed."""
        self._current.state = state

    def start(self) -> None:
        """Begins to load and to follow the pointers; returns at once, and does so only once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model-host", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread; a load under way ends after its present step, or with the process."""
        self._current.stopped.set()
        if self._thread is not None:
            self._thread.join(self._stop_within_s)

    def wait(self, timeout_s: float) -> State:
        """Waits until a model is served, at most ``timeout_s``, and returns the state then."""
        if self._thread is not None:
            self._current.is_ready.wait(timeout_s)
        return self.state

    def on_change(self, listener: OnChange) -> None:
        """Calls ``listener`` after each swap, also one that another worker has brought about.

        It gets the new state and ``start``, ``follow``, ``activate`` or ``rollback``, on the thread
        that swaps, and must not call the host.
        """
        self._current.notices.on_change.append(listener)

    def on_failure(self, listener: OnFailure) -> None:
        """Calls ``listener`` with the reason each time a version cannot be loaded."""
        self._current.notices.on_failure.append(listener)

    def stored(self) -> tuple[StoredModel, ...]:
        """Returns the versions in the store, newest first."""
        return self._listing.list(self.state.model)

    def activate(self, name: str, version: str) -> Activated:
        """Serves a version of the store from now on, here and in all workers; blocks.

        Activating the active version changes nothing.

        Raises:
          ModelPinned: the environment says what is served.
          ModelRefused: the version is not served, and nothing has changed.
        """
        target = change.stored_version(name, version)
        check_not_pinned(name)
        with self._one_change():
            active = _read_active()
            if active is not None and active.versions[0] == target:
                return self._serve(active, "activate", is_new=False)
            history = change.history_of(active, self._served())
            following = change.activate_version(target, history, self._next_generation(active))
            return self._serve(following, "activate", is_new=True)

    def rollback(self) -> Activated:
        """Serves again what was served before; blocks.

        Raises:
          ModelPinned: the environment says what is served.
          ModelRefused: there is no such version, or it cannot be served; nothing has changed.
        """
        check_not_pinned()
        with self._one_change():
            active = _read_active()
            history = change.history_of(active, self._served())
            following = change.restore_version(history, self._next_generation(active))
            return self._serve(following, "rollback", is_new=True)

    @contextmanager
    def _one_change(self) -> Iterator[None]:
        """Keeps every other change away, of this worker and of the others."""
        deadline = time.monotonic() + self._busy_after_s
        if not self._current.changing.acquire(timeout=self._busy_after_s):
            raise ModelRefused("busy", "another model is being loaded; try again soon")
        with ExitStack() as held:
            held.callback(self._current.changing.release)
            with _writing():
                held.enter_context(locked(deadline - time.monotonic()))
            fault_point("change-locked")
            yield

    def _serve(self, pointer: Active, why: Why, *, is_new: bool) -> Activated:
        """Loads what the pointer names, writes the pointer if it is new, and swaps."""
        target = pointer.versions[0]
        folder = change.find_stored(target)
        model = self.state.model
        if is_new or model is None or model.folder != folder:
            self._current.forget_refusals()
            model = self._current.load(folder, target)
        if is_new:
            with _writing():
                write_active(pointer)
        state = State(model, generation=pointer.generation)
        self._current.swap(state, why)
        before = next((each for each in pointer.previous if is_wanted(each.name)), None)
        return Activated(state, (before.name, before.version) if before else None)

    def _served(self) -> change.History:
        """Returns what is served, and was before it, where no pointer says so."""
        if self.state.model is not None:
            return (change.version_of(self.state.model), *self._follower.served_before)
        try:
            champion = choose_champion().stored
        except BundleError:
            return ()
        return (champion,) if champion else ()

    def _next_generation(self, active: Active | None) -> int:
        return max(active.generation if active else 0, self._current.generation) + 1

    def _run(self) -> None:
        self._follower.look()
        while not self._current.stopped.wait(self._look_again_s):
            self._follower.look()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"the active pointer cannot be written: {error.strerror or error}"
        raise ModelRefused("not_written", problem) from error


def _read_active() -> Active | None:
    try:
        return read_active()
    except BundleError as error:
        logger.warning("%s", error)
        return None
