"""The endpoints as one app whose every error is a problem document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.problems import (
    BAD_REQUEST,
    INTERNAL,
    NOT_ALLOWED,
    NOT_FOUND,
    ProblemError,
    problem_response,
)
from serving.routes.candidates import CandidateRoutes
from serving.routes.models import ModelRoutes
from serving.routes.predictions import PredictionRoutes
from serving.routes.probes import ProbeRoutes
from serving.worker import Worker

_BY_STATUS = {400: BAD_REQUEST, 404: NOT_FOUND, 405: NOT_ALLOWED}

Endpoint = Callable[[Request], Awaitable[Response]]


def routes_app(worker: Worker) -> Starlette:
    """Returns the routes around a worker."""
    predictions, models, probes = PredictionRoutes(worker), ModelRoutes(worker), ProbeRoutes(worker)
    candidates = CandidateRoutes(worker)
    app = Starlette(
        routes=[
            _route("/predict", predictions.predict, "POST"),
            _route("/predict_batch", predictions.predict_batch, "POST"),
            _route("/explain", predictions.explain, "POST"),
            _route("/feedback", predictions.feedback, "POST"),
            _route("/predictions/{request_id}", predictions.stored, "GET"),
            _route("/predictions/{request_id}/image", predictions.image, "GET"),
            _route("/model", models.current, "GET"),
            _route("/model", models.activate, "PUT"),
            _route("/model/rollback", models.rollback, "POST"),
            _route("/model/candidate", candidates.propose, "PUT"),
            _route("/model/candidate", candidates.end, "DELETE"),
            _route("/models", models.stored, "GET"),
            _route("/drift", probes.drift, "GET"),
            _route("/livez", probes.is_alive, "GET"),
            _route("/healthz", probes.is_alive, "GET"),
            _route("/readyz", probes.is_ready, "GET"),
            _route("/openapi.json", probes.openapi, "GET"),
            _route("/docs.json", probes.openapi, "GET"),
            _route("/ui", probes.page, "GET"),
            _route("/", probes.index, "GET"),
        ],
        exception_handlers={
            ProblemError: _on_problem,
            HTTPException: _on_http_error,
            Exception: _on_defect,
        },
    )
    app.router.redirect_slashes = False
    return app


def _route(path: str, endpoint: Endpoint, method: str) -> Route:
    async def answer(request: Request) -> Response:
        # Counters and log name a request by this, since paths themselves are anybody's.
        request.state.route = path
        return await endpoint(request)

    return Route(path, answer, methods=[method])


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    request.state.problem = error.kind.name
    return problem_response(error, request.state.request_id)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answers what Starlette itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, BAD_REQUEST)
    detail = f"{kind.title}. GET / lists what there is."
    return await _on_problem(request, ProblemError(kind, detail, error.headers or {}))


async def _on_defect(request: Request, error: Exception) -> Response:
    """Answers a defect without its text, which is in the log with the traceback."""
    problem = ProblemError(INTERNAL, "The service has a defect; its log says more.")
    return await _on_problem(request, problem)
