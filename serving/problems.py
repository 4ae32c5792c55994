"""Errors of the service, all in the one form of RFC 9457 (``application/problem+json``).

A problem never repeats bytes, paths or names that a client has sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.responses import Response

from serving.schema import Problem
from vision.errors import ImageError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem: the last part of its type, its title and its status."""

    name: str
    title: str
    status: HTTPStatus


BAD_REQUEST = Kind("bad-request", "Bad request", HTTPStatus.BAD_REQUEST)
NO_KEY = Kind("no-key", "Key missing or wrong", HTTPStatus.UNAUTHORIZED)
NOT_FOUND = Kind("not-found", "Not found", HTTPStatus.NOT_FOUND)
NOT_ALLOWED = Kind("method-not-allowed", "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED)
CONFLICT = Kind("conflict", "Cannot be changed now", HTTPStatus.CONFLICT)
TIMED_OUT = Kind("body-timeout", "Request body too slow", HTTPStatus.REQUEST_TIMEOUT)
BODY_TOO_LARGE = Kind(
    "body-too-large", "Request body too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
)
NOT_MULTIPART = Kind("not-multipart", "Wrong content type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
BAD_VALUE = Kind("bad-value", "Bad value", HTTPStatus.UNPROCESSABLE_ENTITY)
REFUSED_MODEL = Kind("refused-model", "Model refused", HTTPStatus.UNPROCESSABLE_ENTITY)
NO_EXPLANATION = Kind("no-explanation", "No explanation", HTTPStatus.UNPROCESSABLE_ENTITY)
TOO_MANY = Kind("too-many-requests", "Too many requests", HTTPStatus.TOO_MANY_REQUESTS)
INTERNAL = Kind("internal", "Internal error", HTTPStatus.INTERNAL_SERVER_ERROR)
NO_MODEL = Kind("no-model", "No model to serve", HTTPStatus.SERVICE_UNAVAILABLE)
NOT_CHANGED = Kind("not-changed", "Model not changed", HTTPStatus.SERVICE_UNAVAILABLE)
NOT_REACHED = Kind("not-reached", "Image not reached in time", HTTPStatus.SERVICE_UNAVAILABLE)
LOG_OFF = Kind("log-off", "Prediction log switched off", HTTPStatus.NOT_FOUND)
NO_LOG = Kind("no-log", "Prediction log not available", HTTPStatus.SERVICE_UNAVAILABLE)

_IMAGE_KINDS = {
    "empty": Kind("empty-image", "Empty image", HTTPStatus.UNPROCESSABLE_ENTITY),
    "truncated": Kind("truncated-image", "Truncated image", HTTPStatus.UNPROCESSABLE_ENTITY),
    "corrupt": Kind("corrupt-image", "Corrupt image", HTTPStatus.UNPROCESSABLE_ENTITY),
    "too_large": Kind("image-too-large", "Image too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    "unknown_format": Kind(
        "unknown-format", "Unknown image format", HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    ),
}
# The core's sentence shows the first bytes, which help in a terminal and not in a web page.
_UNKNOWN_FORMAT = "The file is no JPEG, PNG, WebP, BMP or TIFF image; save it as one of these."


@dataclass(eq=False)
class ProblemError(Exception):
    """Ends a request with a problem.

    Attributes:
      kind: what is wrong.
      detail: what, with which value, against which rule, and the next move.
      headers: added to the response.
    """

    kind: Kind
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


def image_problem(error: ImageError) -> ProblemError:
    """Returns the problem for bytes that are no usable image: 413, 415 or 422."""
    detail = _UNKNOWN_FORMAT if error.reason == "unknown_format" else str(error)
    return ProblemError(_IMAGE_KINDS[error.reason], detail)


def as_problem(problem: ProblemError, request_id: str) -> Problem:
    """Returns a problem as a document."""
    kind = problem.kind
    return Problem(
        type=f"/problems/{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=problem.detail,
        request_id=request_id,
    )


def problem_response(problem: ProblemError, request_id: str) -> Response:
    """Returns the response for a problem."""
    body = as_problem(problem, request_id).model_dump_json()
    status, headers = problem.kind.status, dict(problem.headers)
    return Response(body, status, headers=headers, media_type=MEDIA_TYPE)
