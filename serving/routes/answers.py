"""Answers as JSON."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response


def as_json(answer: BaseModel, status: int = 200) -> Response:
    """Returns an answer; values that are not finite become null."""
    return Response(answer.model_dump_json(), status, media_type="application/json")
