"""Tells the rest of the service what became of the served model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from serving.models.state import Reason, State

Why = Literal["start", "follow", "activate", "rollback"]
OnChange = Callable[[State, str], None]
OnFailure = Callable[[str], None]

logger = logging.getLogger("bentoml.visionstack")


class Notices:
    """Calls the listeners, whose own failures stay their own."""

    def __init__(self) -> None:
        self.on_change: list[OnChange] = []
        self.on_failure: list[OnFailure] = []

    def changed(self, state: State, why: Why) -> None:
        """Another version, or another generation of it, is served."""
        for listener in self.on_change:
            try:
                listener(state, why)
            except Exception:  # a metric or a log must not undo a swap
                logger.exception("A listener failed after the model was changed (%s)", why)

    def failed(self, reason: Reason) -> None:
        """A version could not be loaded."""
        for listener in self.on_failure:
            try:
                listener(reason)
            except Exception:  # as above
                logger.exception("A listener failed after a model was refused (%s)", reason)
