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
from serving.model_schema import Activation, ModelList, ModelSummary
from serving.models import Activated, ModelPinned, ModelRefused
from serving.predict import reference
from serving.record import DeploymentRecord
from serving.routes.answers import as_json
from serving.routes.candidates import summary_of
from serving.routes.changes import as_refusal, check_admin
from serving.schema import ModelReference
from serving.upload import UploadLimits, read_json
from serving.worker import Worker

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
        tried = summary_of(self._worker.trials.trial)
        return as_json(ModelSummary.of(self._worker.model().manifest, tried))

    async def stored(self, request: Request) -> Response:
        """Lists the model versions of the store."""
        models = await anyio.to_thread.run_sync(self._worker.host.stored, limiter=self._listing)
        trial = self._worker.trials.trial
        tried = (trial.candidate.name, trial.candidate.version) if trial else None
        marked = (
            each.model_copy(update={"is_candidate": (each.name, each.version) == tried})
            for each in models
        )
        return as_json(ModelList(models=tuple(marked)))

    async def activate(self, request: Request) -> Response:
        """Serves another version, once it gave the stored answers for its golden images."""
        check_admin(request)
        chosen = await read_json(request, ModelChoice, self._limits)
        activate = partial(self._worker.activate, chosen.name, chosen.version)
        return await self._change("activate", activate, chosen.name, chosen.version)

    async def rollback(self, request: Request) -> Response:
        """Serves what was served before."""
        check_admin(request)
        return await self._change("rollback", self._worker.host.rollback)

    async def _change(
        self, action: str, change: Callable[[], Activated], name: str = "", version: str = ""
    ) -> Response:
        note = partial(DeploymentRecord, uuid.uuid4().hex, action=action)
        try:
            done = await anyio.to_thread.run_sync(change, limiter=self._changing)
        except (ModelPinned, ModelRefused) as error:
            self._worker.log.put(
                note(
                    generation=self._worker.host.state.generation,
                    model_name=name,
                    model_version=version,
                    outcome="refused",
                    detail=str(error),
                )
            )
            raise as_refusal(error) from error
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
