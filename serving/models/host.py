"""Holds the model that is served, from the start of the process to its end.

Loading happens on a thread of its own, so that the process answers at once that it is alive. A
model becomes current only after its golden images gave their stored answers. A failure to load is
a state to report and not a reason to exit: a worker that exits is started again for ever.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from serving.models.locate import locate_bundle
from vision.bundles.load import ServingModel
from vision.errors import VisionError

logger = logging.getLogger("bentoml.visionstack")

LOOK_AGAIN_S = 2.0


@dataclass(frozen=True)
class State:
    """What is served at one moment.

    Attributes:
      model: the model, or None while there is none that can predict.
      detail: why there is none, in words for a person; empty where there is one.
    """

    model: ServingModel | None
    detail: str = ""


class ModelHost:
    """Loads the model to serve; :attr:`state` is replaced as a whole and never changed."""

    def __init__(self, look_again_s: float = LOOK_AGAIN_S) -> None:
        self.state = State(None, "the model is being loaded; ask again in a second")
        self._look_again_s = look_again_s
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to load; returns at once. A second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model-host", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a load that is under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def wait(self, timeout_s: float) -> State:
        """Waits until a model is served, at most ``timeout_s``, and returns the state then."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self.state

    def _run(self) -> None:
        """Looks for a bundle until one can be served; the same bundle is tried only once."""
        tried: Path | None = None
        while self.state.model is None:
            try:
                folder = locate_bundle()
                if folder != tried:
                    tried = folder
                    self.state = State(load_model(folder))
            except VisionError as error:
                self._report(str(error))
            if self._stopped.wait(0.0 if self.state.model else self._look_again_s):
                return

    def _report(self, detail: str) -> None:
        if detail != self.state.detail:
            self.state = State(None, detail)
            logger.warning("Not ready: %s", detail)


def load_model(folder: Path) -> ServingModel:
    """Loads a bundle and checks its golden images, which also warms it up.

    Raises:
      BundleError: a file is missing or changed, or an answer differs from the stored one.
    """
    start = time.perf_counter()
    model = ServingModel.load(folder)
    difference = model.check_golden()
    logger.info(
        "Serving %s %s, loaded in %.2f s; golden answers differ by %.1e at most",
        model.manifest.name,
        model.manifest.version,
        time.perf_counter() - start,
        difference,
    )
    return model
