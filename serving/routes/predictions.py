"""Predictions: one image, many, a picture of why, feedback, and what the log has kept."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from serving.explain import ExplanationError, draw_picture
from serving.forms import REQUEST_ID, FeedbackForm
from serving.log import LogError
from serving.predict import Predicted, PredictOptions
from serving.problems import (
    LOG_OFF,
    NO_EXPLANATION,
    NO_LOG,
    NOT_FOUND,
    NOT_REACHED,
    ProblemError,
    as_problem,
)
from serving.record import FeedbackRecord
from serving.routes.answers import as_json
from serving.routes.kept import read_kept
from serving.routes.options import read_options
from serving.routes.readers import AllBusyError, Readers
from serving.schema import Answer, BatchAnswer, BatchEntry, FeedbackReceipt, StoredPrediction
from serving.upload import UploadLimits, read_form, read_json
from serving.worker import Worker
from vision.bundles.load import ServingModel

# After 60 s BentoML answers 504 in place of all images. This is less by more than the largest image
# takes: one that is under way is not given up.
ANSWER_WITHIN_S = 45.0
# Threads that may wait for the log's database.
READERS = 4

_Found = TypeVar("_Found")

_RETRY = {"Retry-After": "5"}
_NOT_STORED = (
    "There is no such prediction; one of this moment may take a second to appear, and those of a "
    "batch have the id of its answer with -0, -1 and so on behind it."
)
_NOT_KEPT = "The image of this prediction is not kept, or no longer (VISIONSTACK_LOG_IMAGES)."
_LOG_OFF = "The prediction log is switched off (VISIONSTACK_LOG=off): nothing is kept or found."


class PredictionRoutes:
    """The endpoints around predictions."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limits = UploadLimits.of(worker.settings)
        # Decoding and the graph keep one core busy each; more at a time would only slow all down.
        self._limiter = anyio.CapacityLimiter(len(os.sched_getaffinity(0)))
        self._readers = Readers(READERS)

    async def predict(self, request: Request) -> Response:
        """Classifies one image."""
        started = time.perf_counter()
        form = await read_form(
            request, self._limits, files=1, options=frozenset({"top_k", "explain", "format"})
        )
        self._worker.metrics.stage("read", time.perf_counter() - started)
        # Taken once for the whole request, and not before a body that may take half a minute.
        model = self._worker.model_for(request.state.request_id)
        options = read_options(form.options, len(model.manifest.classes))
        predicted = await self._predict(model, form.images[0], options, request.state.request_id)
        return as_json(predicted.answer)

    async def predict_batch(self, request: Request) -> Response:
        """Classifies many images; one that is none is one entry with a problem."""
        ends_at = anyio.current_time() + ANSWER_WITHIN_S
        form = await read_form(
            request,
            self._limits,
            files=(1, self._worker.settings.max_batch_images),
            options=frozenset({"top_k"}),
        )
        request_id = request.state.request_id
        model = self._worker.model_for(request_id)
        options = read_options(form.options, len(model.manifest.classes))
        entries: list[BatchEntry] = []
        for index, data in enumerate(form.images):
            entry = None
            # This ends waiting for a core; an image that is under way is answered.
            with anyio.move_on_at(ends_at):
                entry = await anyio.to_thread.run_sync(
                    self._worker.entry, model, data, options, request_id, index,
                    limiter=self._limiter,
                )  # fmt: skip
            entries.append(entry or _not_reached(request_id, index))
        return as_json(BatchAnswer(request_id=request_id, entries=tuple(entries)))

    async def explain(self, request: Request) -> Response:
        """Answers with the picture itself."""
        form = await read_form(
            request, self._limits, files=1, options=frozenset({"explain", "format"})
        )
        model = self._worker.model_for(request.state.request_id)
        options = read_options(form.options, len(model.manifest.classes), explain="overlay")
        if options.explain is None:
            raise ProblemError(NO_EXPLANATION, "Ask /explain for 'heatmap' or 'overlay'.")
        plain = PredictOptions()
        predicted = await self._predict(model, form.images[0], plain, request.state.request_id)
        try:
            data, media_type = await anyio.to_thread.run_sync(
                draw_picture,
                predicted.activation_map,
                predicted.record.pixels,
                options.explain,
                options.picture_format,
                limiter=self._limiter,
            )
        except ExplanationError as error:
            raise ProblemError(NO_EXPLANATION, str(error)) from error
        return Response(data, media_type=media_type, headers=_headers(predicted.answer))

    async def feedback(self, request: Request) -> Response:
        """Takes what an image really was."""
        self._check_log()
        given = await read_json(request, FeedbackForm, self._limits)
        record = FeedbackRecord(uuid.uuid4().hex, given.request_id, given.labels, given.who)
        if not self._worker.log.put(record):
            detail = "Feedback cannot be kept now; try again later."
            raise ProblemError(NO_LOG, detail, _RETRY)
        receipt = FeedbackReceipt(
            feedback_id=record.feedback_id,
            request_id=given.request_id,
            warnings=self._unknown_labels(given.labels),
        )
        return as_json(receipt, 202)

    async def stored(self, request: Request) -> Response:
        """Answers with a prediction of before."""
        return as_json(await self._stored(request))

    async def image(self, request: Request) -> Response:
        """Answers with the image of a prediction of before, if it was kept."""
        found = await self._stored(request)
        folder = self._worker.settings.log_folder / "images"
        image = await self._read(read_kept, folder, found.image)
        if image is None:
            raise ProblemError(NOT_FOUND, _NOT_KEPT)
        return image

    async def _stored(self, request: Request) -> StoredPrediction:
        self._check_log()
        request_id = request.path_params["request_id"]
        found = None
        if re.fullmatch(REQUEST_ID, request_id):
            found = await self._read(self._worker.log.find, request_id)
        if found is None:
            raise ProblemError(NOT_FOUND, _NOT_STORED)
        return found

    async def _read(self, read: Callable[..., _Found], *arguments: object) -> _Found:
        try:
            return await self._readers.run(read, *arguments)
        except LogError as error:
            raise ProblemError(NO_LOG, str(error), _RETRY) from error
        except AllBusyError:
            detail = f"{READERS} requests read the prediction log, as many as may; ask again later."
            raise ProblemError(NO_LOG, detail, _RETRY) from None

    def _check_log(self) -> None:
        if self._worker.settings.log == "off":
            raise ProblemError(LOG_OFF, _LOG_OFF)

    async def _predict(
        self, model: ServingModel, data: bytes, options: PredictOptions, request_id: str
    ) -> Predicted:
        return await anyio.to_thread.run_sync(
            self._worker.predict_with, model, data, options, request_id, limiter=self._limiter
        )

    def _unknown_labels(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        state = self._worker.host.state
        if state.model is None or set(labels) <= set(state.model.manifest.classes):
            return ()
        return ("Not every label is a class of the model that is served; they are kept as given.",)


def _not_reached(request_id: str, index: int) -> BatchEntry:
    detail = (
        f"The {ANSWER_WITHIN_S:g} s that a batch may take were over before this image; "
        "send fewer images at a time."
    )
    problem = as_problem(ProblemError(NOT_REACHED, detail), f"{request_id}-{index}")
    return BatchEntry(index=index, problem=problem)


def _headers(answer: Answer) -> dict[str, str]:
    label = answer.prediction.label.encode("ascii", "backslashreplace").decode()
    return {
        "X-Label": "".join(each if each.isprintable() else "?" for each in label),
        "X-Probability": f"{answer.prediction.probability:.6f}",
        "X-Model-Version": f"{answer.model.name}:{answer.model.version}",
    }
