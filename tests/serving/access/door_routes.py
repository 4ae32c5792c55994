"""Routes without a model: they say what they were sent."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from serving.problems import INTERNAL, NOT_FOUND, ProblemError, problem_response
from serving.settings import ServiceSettings
from serving.upload import UploadLimits, read_form, read_json


class Note(BaseModel):
    """What ``/feedback`` takes here."""

    model_config = ConfigDict(extra="forbid")

    text: str
    number: int = 0


class DoorRoutes:
    """A route for each way to read a body, and one that answers once another is asked."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._limits = UploadLimits.of(settings)
        self._is_free = asyncio.Event()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/predict", self.predict, methods=["POST"]),
                Route("/predict_batch", self.predict_batch, methods=["POST"]),
                Route("/feedback", self.feedback, methods=["POST"]),
                Route("/model", self.model, methods=["GET", "PUT"]),
                Route("/model/rollback", self.model, methods=["POST"]),
                Route("/slow", self.slow),
                # Below /predictions/ nothing takes a place, so it answers in a full house.
                Route("/predictions/free", self.free),
                Route("/pid", self.pid),
                Route("/defect", self.defect),
                Route("/ui", self.page),
                Route("/livez", self.alive),
                Route("/readyz", self.alive),
                Route("/healthz", self.alive),
            ],
            exception_handlers={
                ProblemError: _on_problem,
                HTTPException: _on_http_error,
                Exception: _on_defect,
            },
        )

    async def predict(self, request: Request) -> Response:
        options = frozenset({"top_k", "explain"})
        form = await read_form(request, self._limits, files=1, options=options)
        return _said(request, "/predict", [len(image) for image in form.images], form.options)

    async def predict_batch(self, request: Request) -> Response:
        files = (1, self._limits.max_batch_images)
        form = await read_form(request, self._limits, files=files)
        return _said(request, "/predict_batch", [len(image) for image in form.images], {})

    async def feedback(self, request: Request) -> Response:
        note = await read_json(request, Note, self._limits)
        return _said(request, "/feedback", [], note.model_dump())

    async def model(self, request: Request) -> Response:
        return _said(request, "/model", [], {})

    async def slow(self, request: Request) -> Response:
        await self._is_free.wait()
        return _said(request, "/slow", [], {})

    async def free(self, request: Request) -> Response:
        """Lets ``/slow`` answer from now on."""
        self._is_free.set()
        return _said(request, "/predictions/free", [], {})

    async def alive(self, request: Request) -> Response:
        request.state.route = request.url.path
        return JSONResponse({"status": "alive"})

    async def page(self, request: Request) -> Response:
        policy = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-cache"}
        return PlainTextResponse("page", headers=policy)

    async def pid(self, request: Request) -> Response:
        return JSONResponse({"pid": os.getpid()})

    async def defect(self, request: Request) -> Response:
        raise RuntimeError("secret of the house")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    request.state.problem = error.kind.name
    return problem_response(error, request.state.request_id)


async def _on_http_error(request: Request, error: Exception) -> Response:
    return await _on_problem(request, ProblemError(NOT_FOUND, "Nothing here."))


async def _on_defect(request: Request, error: Exception) -> Response:
    return await _on_problem(request, ProblemError(INTERNAL, "A defect."))


def _said(request: Request, route: str, sizes: list[int], options: dict[str, Any]) -> Response:
    request.state.route = route
    caller = request.state.caller
    return JSONResponse(
        {
            "request_id": request.state.request_id,
            "key": caller.key,
            "is_admin": caller.is_admin,
            "sizes": sizes,
            "options": options,
        }
    )
