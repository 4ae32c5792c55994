"""What is served at one moment, and the ways in which a change of it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vision.bundles.load import ServingModel
from vision.errors import BundleError, VisionError

Reason = Literal[
    "bad_id",
    "busy",
    "files",
    "forbidden",
    "golden",
    "graph",
    "labels",
    "manifest",
    "not_written",
    "no_previous",
    "not_beside",
    "signature",
    "stopping",
    "unknown",
]


@dataclass(frozen=True)
class State:
    """What is served at one moment; replaced as a whole and never changed.

    Attributes:
      model: the model, or None while there is none that can predict.
      detail: why there is none, or why another one than was activated is served, in words for a
        person; empty where all is well.
      generation: which change of the active pointer brought it; 0 where nothing was activated.
      promoted_at: when it became the champion that is followed, UTC; None where none is.
    """

    model: ServingModel | None
    detail: str = ""
    generation: int = 0
    promoted_at: datetime | None = None


@dataclass(frozen=True)
class Activated:
    """What came of an activation or a rollback.

    Attributes:
      state: what this worker serves now.
      previous: name and version that a rollback would bring back; None where there is none.
    """

    state: State
    previous: tuple[str, str] | None


class ModelRefused(BundleError):
    """A model version is not served, and what was served before still is.

    Attributes:
      reason: ``bad_id`` text that is no name or version; ``unknown`` not in the store; ``busy``
        another change is under way; ``no_previous`` no version to roll back to; ``not_beside`` a
        candidate that cannot be tried beside what is served; ``not_written`` the pointer cannot
        be written; ``stopping`` the process ends. Of the bundle: ``signature`` none of a
        trusted key, ``manifest``, ``files`` missing or changed, ``forbidden`` kinds of files,
        ``labels``, ``graph``, ``golden`` answers differ.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ModelPinned(VisionError):
    """An environment variable says what is served, so a request cannot change it."""
