"""What is tried beside the active model at one moment, in one worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from serving.models.candidate import Candidate
from serving.models.locate import Signature
from serving.models.refusal import look_at_stored
from vision.bundles.load import ServingModel


@dataclass(frozen=True)
class Trial:
    """What is tried at one moment; replaced as a whole and never changed.

    Attributes:
      candidate: what the pointer says.
      model: None where it cannot be loaded here.
      detail: why not.
      rests_on: what was found before it was loaded; see :mod:`serving.models.refusal`.
    """

    candidate: Candidate
    model: ServingModel | None
    detail: str = ""
    rests_on: Signature = ()


def in_words(trial: Trial | None) -> str:
    """Returns what is tried, for the log."""
    if trial is None:
        return "nothing"
    candidate = trial.candidate
    words = f"{candidate.name} {candidate.version} ({candidate.mode}, {candidate.share:.0%})"
    return f"{words}, which failed: {trial.detail}" if trial.detail else words


def has_ended(trial: Trial | None, now: datetime) -> bool:
    """Tells whether the time of what is tried is over."""
    return trial is not None and trial.candidate.has_ended(now)


def is_worth_a_try(trial: Trial | None) -> bool:
    """Tells whether what a candidate was refused for has changed since."""
    if trial is None or trial.model is not None:
        return False
    return look_at_stored(trial.candidate.bento_model) != trial.rests_on
