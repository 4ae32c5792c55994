"""What the service answers at which path."""

from __future__ import annotations

import os

import anyio
import anyio.to_thread
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.models.host import ModelHost
from serving.openapi import describe_service
from serving.predict import predict_image, reference
from serving.problems import (
    BAD_REQUEST,
    INTERNAL,
    NO_MODEL,
    NOT_ALLOWED,
    NOT_FOUND,
    ProblemError,
    image_problem,
    problem_response,
)
from serving.schema import ModelSummary, Readiness
from serving.upload import UploadLimits, read_image
from vision.bundles.load import ServingModel
from vision.errors import ImageError

LINKS = {
    "predict": "/predict",
    "model": "/model",
    "alive": "/livez",
    "ready": "/readyz",
    "metrics": "/metrics",
    "openapi": "/openapi.json",
}
_BY_STATUS = {400: BAD_REQUEST, 404: NOT_FOUND, 405: NOT_ALLOWED}


class Routes:
    """The endpoints, around one model host."""

    def __init__(self, host: ModelHost, limits: UploadLimits) -> None:
        self._host = host
        self._limits = limits
        # Decoding and the graph keep one core busy each; more at a time would only slow all down.
        self._limiter = anyio.CapacityLimiter(len(os.sched_getaffinity(0)))

    def app(self) -> Starlette:
        """Returns the routes as an ASGI app whose every error is a problem document."""
        app = Starlette(
            routes=[
                Route("/", self.index),
                Route("/predict", self.predict, methods=["POST"]),
                Route("/model", self.model),
                Route("/livez", self.is_alive),
                Route("/healthz", self.is_alive),
                Route("/readyz", self.is_ready),
                Route("/openapi.json", self.openapi),
                Route("/docs.json", self.openapi),
            ],
            exception_handlers={
                ProblemError: _on_problem,
                HTTPException: _on_http_error,
                Exception: _on_defect,
            },
        )
        app.router.redirect_slashes = False
        return app

    async def predict(self, request: Request) -> Response:
        """Classifies one image."""
        # One model for the whole request, whatever becomes current meanwhile.
        model = self._model()
        data = await read_image(request, self._limits)
        try:
            answer = await anyio.to_thread.run_sync(
                predict_image,
                model,
                data,
                self._limits.image,
                request.state.request_id,
                limiter=self._limiter,
            )
        except ImageError as error:
            raise image_problem(error) from error
        return _json(answer)

    async def model(self, request: Request) -> Response:
        """Describes the model that is served."""
        return _json(ModelSummary.of(self._model().manifest))

    async def is_alive(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "alive"})

    async def is_ready(self, request: Request) -> Response:
        """A model is loaded and gave the stored answers for its golden images."""
        return _json(Readiness(model=reference(self._model())))

    async def index(self, request: Request) -> Response:
        """Says what runs here, and where to go on."""
        state = self._host.state
        model = reference(state.model).model_dump() if state.model else None
        return JSONResponse(
            {"service": "visionstack", "model": model, "detail": state.detail, "links": LINKS}
        )

    async def openapi(self, request: Request) -> Response:
        """The OpenAPI document."""
        return JSONResponse(describe_service(self._limits))

    def _model(self) -> ServingModel:
        state = self._host.state
        if state.model is None:
            raise ProblemError(NO_MODEL, state.detail, {"Retry-After": "2"})
        return state.model


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(error, request.state.request_id)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answers what Starlette itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, BAD_REQUEST)
    detail = f"{kind.title}. GET / lists what there is."
    problem = ProblemError(kind, detail, error.headers or {})
    return problem_response(problem, request.state.request_id)


async def _on_defect(request: Request, error: Exception) -> Response:
    """Answers a defect without its text, which is in the log with the traceback."""
    problem = ProblemError(INTERNAL, "The service has a defect; its log says more.")
    return problem_response(problem, request.state.request_id)
