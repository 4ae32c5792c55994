"""What clients send as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

REQUEST_ID = r"^[A-Za-z0-9._-]{8,80}$"

_LONGEST_TRIAL_S = 366 * 86_400.0

# NUL is no text for PostgreSQL.
_TEXT = r"^[^\x00]*$"
_Label = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]


class FeedbackForm(BaseModel):
    """What an image really was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: Annotated[str, Field(pattern=REQUEST_ID)]
    labels: Annotated[tuple[_Label, ...], Field(min_length=1, max_length=20)]
    who: Annotated[str, Field(max_length=200, pattern=_TEXT)] = ""


class ModelChoice(BaseModel):
    """The model version to serve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200)]
    version: Annotated[str, Field(max_length=200)]


class CandidateChoice(ModelChoice):
    """The model version to try beside the one that is served, and how."""

    mode: Literal["shadow", "canary"]
    share: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.1
    for_s: Annotated[float, Field(gt=0.0, le=_LONGEST_TRIAL_S, allow_inf_nan=False)] | None = None
