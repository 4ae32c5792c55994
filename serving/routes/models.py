"""The model that is served: which it is, which there are, and changing it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from serving.forms import ModelChoice
from serving.models import Activated, ModelPinned, ModelRefused
from serving.predict import reference
from serving.problems import (
    BAD_REQUEST,
    CONFLICT,
    NO_KEY,
    NOT_CHANGED,
    NOT_FOUND,
    REFUSED_MODEL,
    ProblemError,
)
from serving.record import DeploymentRecord
from serving.routes.answers import as_json
from serving.schema import Activation, ModelList, ModelReference, ModelSummary
from serving.upload import UploadLimits, read_json
from serving.worker import Worker

_KINDS = {
    "bad_id": BAD_REQUEST,
    "unknown": NOT_FOUND,
    "busy": CONFLICT,
    "no_previous": CONFLICT,
    "not_written": NOT_CHANGED,
    "stopping": NOT_CHANGED,
}

# One loads; the others wait for it a while, and are told that the host is busy.
_CHANGES = 4


class ModelRoutes:
    """The endpoints around the model."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limits = UploadLimits.of(worker.settings)
        self._listing = anyio.CapacityLimiter(1)
        self._changing = anyio.CapacityLimiter(_CHANGES)

    async def current(self, request: Request) -> Response:
        """Describes the model that is served."""
        return as_json(ModelSummary.of(self._worker.model().manifest))

    async def stored(self, request: Request) -> Response:
        """Lists the model versions of the store."""
        models = await anyio.to_thread.run_sync(self._worker.host.stored, limiter=self._listing)
        return as_json(ModelList(models=models))

    async def activate(self, request: Request) -> Response:
        """Serves another version, once it gave the stored answers for its golden images."""
        _check_admin(request)
        chosen = await read_json(request, ModelChoice, self._limits)
        activate = partial(self._worker.host.activate, chosen.name, chosen.version)
        return await self._change("activate", activate, chosen.name, chosen.version)

    async def rollback(self, request: Request) -> Response:
        """Serves what was served before."""
        _check_admin(request)
        return await self._change("rollback", self._worker.host.rollback)

    async def _change(
        self, action: str, change: Callable[[], Activated], name: str = "", version: str = ""
    ) -> Response:
        note = partial(DeploymentRecord, uuid.uuid4().hex, action=action)
        try:
            done = await anyio.to_thread.run_sync(change, limiter=self._changing)
        except (ModelPinned, ModelRefused) as error:
            kind = CONFLICT
            if isinstance(error, ModelRefused):
                kind = _KINDS.get(error.reason, REFUSED_MODEL)
            self._worker.log.put(
                note(
                    generation=self._worker.host.state.generation,
                    model_name=name,
                    model_version=version,
                    outcome="refused",
                    detail=str(error),
                )
            )
            raise ProblemError(kind, str(error)) from error
        model = done.state.model
        assert model is not None
        served = reference(model)
        self._worker.log.put(
            note(
                generation=done.state.generation,
                model_name=served.name,
                model_version=served.version,
                outcome="done",
            )
        )
        before = done.previous
        previous = ModelReference(name=before[0], version=before[1]) if before else None
        return as_json(
            Activation(model=served, generation=done.state.generation, previous=previous)
        )


def _check_admin(request: Request) -> None:
    if not request.state.caller.is_admin:
        detail = "What is served is changed with the admin key, in Authorization: Bearer KEY."
        raise ProblemError(NO_KEY, detail, {"WWW-Authenticate": "Bearer"})
