"""Predictions: one image, many, a picture of why, feedback, and what the log has kept."""

from __future__ import annotations

import os
import re
import time
import uuid

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from serving.explain import ExplanationError, draw_picture
from serving.forms import REQUEST_ID, FeedbackForm
from serving.log import LogError
from serving.predict import Predicted, PredictOptions
from serving.problems import (
    NO_EXPLANATION,
    NO_LOG,
    NOT_FOUND,
    ProblemError,
)
from serving.record import FeedbackRecord
from serving.routes.answers import as_json
from serving.routes.options import read_options
from serving.schema import Answer, BatchAnswer, BatchEntry, FeedbackReceipt
from serving.upload import UploadLimits, read_form, read_json
from serving.worker import Worker
from vision.bundles.load import ServingModel


class PredictionRoutes:
    """The endpoints around predictions."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limits = UploadLimits.of(worker.settings)
        # Decoding and the graph keep one core busy each; more at a time would only slow all down.
        self._limiter = anyio.CapacityLimiter(len(os.sched_getaffinity(0)))

    async def predict(self, request: Request) -> Response:
        """Classifies one image."""
        # One model for the whole request, whatever becomes current meanwhile.
        model = self._worker.model()
        started = time.perf_counter()
        form = await read_form(
            request, self._limits, files=1, options=frozenset({"top_k", "explain", "format"})
        )
        self._worker.metrics.stage("read", time.perf_counter() - started)
        options = read_options(form.options, len(model.manifest.classes))
        predicted = await self._predict(model, form.images[0], options, request.state.request_id)
        return as_json(predicted.answer)

    async def predict_batch(self, request: Request) -> Response:
        """Classifies many images; one that is none is one entry with a problem."""
        model = self._worker.model()
        form = await read_form(
            request,
            self._limits,
            files=(1, self._worker.settings.max_batch_images),
            options=frozenset({"top_k"}),
        )
        options = read_options(form.options, len(model.manifest.classes))
        request_id = request.state.request_id
        entries: list[BatchEntry] = []
        for index, data in enumerate(form.images):
            entry = await anyio.to_thread.run_sync(
                self._worker.entry, model, data, options, request_id, index, limiter=self._limiter
            )
            entries.append(entry)
        return as_json(BatchAnswer(request_id=request_id, entries=tuple(entries)))

    async def explain(self, request: Request) -> Response:
        """Answers with the picture itself."""
        model = self._worker.model()
        form = await read_form(
            request, self._limits, files=1, options=frozenset({"explain", "format"})
        )
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
        given = await read_json(request, FeedbackForm, self._limits)
        record = FeedbackRecord(uuid.uuid4().hex, given.request_id, given.labels, given.who)
        if not self._worker.log.put(record) or self._worker.settings.log == "off":
            raise ProblemError(NO_LOG, "Feedback cannot be kept now; try again later.")
        receipt = FeedbackReceipt(
            feedback_id=record.feedback_id,
            request_id=given.request_id,
            warnings=self._unknown_labels(given.labels),
        )
        return as_json(receipt, 202)

    async def stored(self, request: Request) -> Response:
        """Answers with a prediction of before."""
        request_id = request.path_params["request_id"]
        found = None
        if re.fullmatch(REQUEST_ID, request_id):
            try:
                found = await anyio.to_thread.run_sync(self._worker.log.find, request_id)
            except LogError as error:
                raise ProblemError(NO_LOG, str(error), {"Retry-After": "5"}) from error
        if found is None:
            detail = "There is no such prediction; one of this moment may take a second to appear."
            raise ProblemError(NOT_FOUND, detail)
        return as_json(found)

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


def _headers(answer: Answer) -> dict[str, str]:
    label = answer.prediction.label.encode("ascii", "backslashreplace").decode()
    return {
        "X-Label": "".join(each if each.isprintable() else "?" for each in label),
        "X-Probability": f"{answer.prediction.probability:.6f}",
        "X-Model-Version": f"{answer.model.name}:{answer.model.version}",
    }
