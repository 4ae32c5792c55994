"""The version that is tried beside the one that is served: setting it and ending it."""

from __future__ import annotations

import uuid
from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from serving.forms import CandidateChoice
from serving.model_schema import CandidateChange, CandidateSummary
from serving.models import ModelPinned, ModelRefused
from serving.models.tried import Trial
from serving.predict import reference
from serving.record import DeploymentRecord
from serving.routes.answers import as_json
from serving.routes.changes import as_refusal, check_admin
from serving.upload import UploadLimits, read_json
from serving.worker import Worker

# One loads; another one waits for it a while, and is told that the host is busy.
_CHANGES = 2


class CandidateRoutes:
    """The endpoints around the candidate."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limits = UploadLimits.of(worker.settings)
        self._changing = anyio.CapacityLimiter(_CHANGES)

    async def propose(self, request: Request) -> Response:
        """Tries a version, once it gave the stored answers for its golden images."""
        check_admin(request)
        chosen = await read_json(request, CandidateChoice, self._limits)
        propose = partial(self._worker.trials.propose, **chosen.model_dump())
        note = partial(self._note, chosen.mode, chosen.name, chosen.version)
        try:
            await anyio.to_thread.run_sync(propose, limiter=self._changing)
        except (ModelPinned, ModelRefused) as error:
            note("refused", str(error))
            raise as_refusal(error) from error
        end = "" if chosen.for_s is None else f" for {chosen.for_s:g} s"
        note("done", f"{chosen.share:g} of the requests{end}")
        return self._answer()

    async def end(self, request: Request) -> Response:
        """Ends the trial; without one nothing changes."""
        check_admin(request)
        try:
            ended = await anyio.to_thread.run_sync(self._worker.trials.end, limiter=self._changing)
        except ModelRefused as error:
            raise as_refusal(error) from error
        if ended is not None:
            self._note("end", ended.name, ended.version, "done")
        return self._answer()

    def _answer(self) -> Response:
        model = self._worker.host.state.model
        return as_json(
            CandidateChange(
                model=reference(model) if model else None,
                candidate=summary_of(self._worker.trials.trial),
            )
        )

    def _note(self, action: str, name: str, version: str, outcome: str, detail: str = "") -> None:
        generation = self._worker.host.state.generation
        self._worker.log.put(
            DeploymentRecord(uuid.uuid4().hex, generation, action, name, version, outcome, detail)
        )


def summary_of(trial: Trial | None) -> CandidateSummary | None:
    """Returns what is shown of a trial."""
    if trial is None:
        return None
    shown = trial.candidate.model_dump(exclude={"bento_model"})
    return CandidateSummary(**shown, detail=trial.detail)
