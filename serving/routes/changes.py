"""Who may change what is served, and how a change that is refused is answered."""

from __future__ import annotations

from starlette.requests import Request

from serving.models import ModelPinned, ModelRefused
from serving.problems import (
    BAD_REQUEST,
    CONFLICT,
    NO_KEY,
    NOT_CHANGED,
    NOT_FOUND,
    REFUSED_MODEL,
    ProblemError,
)

_KINDS = {
    "bad_id": BAD_REQUEST,
    "unknown": NOT_FOUND,
    "busy": CONFLICT,
    "no_previous": CONFLICT,
    "not_beside": CONFLICT,
    "not_written": NOT_CHANGED,
    "stopping": NOT_CHANGED,
}


def as_refusal(error: ModelPinned | ModelRefused) -> ProblemError:
    """Returns the problem that answers a refused change."""
    if isinstance(error, ModelRefused):
        return ProblemError(_KINDS.get(error.reason, REFUSED_MODEL), str(error))
    return ProblemError(CONFLICT, str(error))


def check_admin(request: Request) -> None:
    """Checks that the caller may change what is served.

    Raises:
      ProblemError: 401, the caller has no admin key.
    """
    if not request.state.caller.is_admin:
        detail = "What is served is changed with the admin key, in Authorization: Bearer KEY."
        raise ProblemError(NO_KEY, detail, {"WWW-Authenticate": "Bearer"})
