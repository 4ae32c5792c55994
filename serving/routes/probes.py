"""What says how the service is: probes, drift, the interface, the page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving.openapi import describe_service
from serving.page import page_response
from serving.predict import reference
from serving.problems import NOT_FOUND, ProblemError
from serving.routes.answers import as_json
from serving.routes.drift import report_drift
from serving.schema import Readiness
from serving.worker import Worker

LINKS = {
    "page": "/ui",
    "predict": "/predict",
    "model": "/model",
    "models": "/models",
    "drift": "/drift",
    "alive": "/livez",
    "ready": "/readyz",
    "metrics": "/metrics",
    "openapi": "/openapi.json",
}


class ProbeRoutes:
    """The endpoints that describe the service."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def is_alive(self, request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "alive"})

    async def is_ready(self, request: Request) -> Response:
        """A model is loaded and gave the stored answers for its golden images."""
        model = reference(self._worker.model())
        log, state = self._worker.log.status, self._worker.host.state
        details = [state.detail, log.detail if log.state == "degraded" else ""]
        if detail := " ".join(filter(None, details)):
            return as_json(Readiness(status="degraded", model=model, detail=detail))
        return as_json(Readiness(model=model))

    async def drift(self, request: Request) -> Response:
        """The last drift checks."""
        is_admin = request.state.caller.is_admin
        return as_json(report_drift(self._worker, is_admin=is_admin))

    async def index(self, request: Request) -> Response:
        """Says what runs here, and where to go on."""
        state = self._worker.host.state
        model = reference(state.model).model_dump() if state.model else None
        return JSONResponse(
            {"service": "visionstack", "model": model, "detail": state.detail, "links": LINKS}
        )

    async def openapi(self, request: Request) -> Response:
        """The OpenAPI document."""
        return JSONResponse(describe_service(self._worker.settings))

    async def page(self, request: Request) -> Response:
        """The page for people."""
        if not self._worker.settings.show_page:
            raise ProblemError(NOT_FOUND, "The page is switched off (VISIONSTACK_SHOW_PAGE).")
        return page_response(request)
