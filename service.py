"""The BentoML service: ``bentoml serve`` in this folder answers requests with the champion.

Everything behind it is in :mod:`serving`; this module only ties it to BentoML.
"""

# ruff: noqa: E402 - the switches must be set before BentoML is imported.
from __future__ import annotations

import os

from vision.environment import prepare

prepare()
# Read by the C library when a worker starts: with an arena for each thread, what the largest images
# took would stay taken several times.
os.environ.setdefault("MALLOC_ARENA_MAX", "2")

import sys
import uuid
from pathlib import Path
from typing import Annotated, Literal

import bentoml
from bentoml.validators import ContentType

from serving.access import Guard
from serving.explain import draw_picture
from serving.forms import FeedbackForm
from serving.gateway import Gateway
from serving.metrics.folder import choose_folder, is_worker
from serving.predict import PredictOptions
from serving.record import FeedbackRecord
from serving.routes import routes_app
from serving.schema import Answer, BatchAnswer, FeedbackReceipt
from serving.settings import check_bundle, read_settings
from serving.telemetry import forget_tracking_answer
from serving.worker import Worker
from vision.errors import ConfigError

forget_tracking_answer()

try:
    worker = Worker(read_settings())
    if not is_worker():
        check_bundle()
except ConfigError as error:
    # What a person set is told in sentences; a traceback would hide them.
    sys.exit(str(error))

choose_folder()

Image = Annotated[Path, ContentType("image/*")]


@bentoml.service(
    name="visionstack",
    workers=1,
    # Nobody but this machine, unless `bentoml serve --host 0.0.0.0` or BENTOML_HOST says so.
    http={"host": "127.0.0.1"},
    traffic={"timeout": 60},
    # The gateway counts, and the log writes down, what BentoML would count and print once more: by
    # paths that anybody may invent, and for more than half of the time of a small request.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
)
class VisionService:
    """Classifies images with the champion.

    The methods are declared for BentoML's Python client and for calls inside a process; requests
    over HTTP are answered by the gateway.
    """

    def __init__(self) -> None:
        worker.start()

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Lets a load that is under way end, and writes down what was recorded."""
        worker.stop()

    @bentoml.api
    def predict(
        self,
        image: Image,
        top_k: int = 0,
        explain: Literal["none", "heatmap", "overlay"] = "none",
        format: Literal["jpeg", "png"] = "jpeg",  # noqa: A002 - the name in the interface
    ) -> Answer:
        """Classifies one image."""
        options = PredictOptions(top_k, None if explain == "none" else explain, format)
        return worker.predict(image.read_bytes(), options, uuid.uuid4().hex).answer

    @bentoml.api
    def predict_batch(self, images: list[Image], top_k: int = 0) -> BatchAnswer:
        """Classifies images; one that is none is one entry with a problem."""
        contents = [image.read_bytes() for image in images]
        return worker.predict_batch(contents, PredictOptions(top_k), uuid.uuid4().hex)

    @bentoml.api
    def explain(
        self,
        image: Image,
        explain: Literal["heatmap", "overlay"] = "overlay",
        format: Literal["jpeg", "png"] = "jpeg",  # noqa: A002 - the name in the interface
    ) -> Image:
        """Draws where the class was seen."""
        predicted = worker.predict(image.read_bytes(), PredictOptions(), uuid.uuid4().hex)
        picture, _ = draw_picture(
            predicted.activation_map, predicted.record.pixels, explain, format
        )
        target = image.with_name(f"{explain}.{format}")
        target.write_bytes(picture)
        return target

    @bentoml.api
    def feedback(self, request_id: str, labels: list[str], who: str = "") -> FeedbackReceipt:
        """Says what an image really was."""
        given = FeedbackForm(request_id=request_id, labels=tuple(labels), who=who)
        record = FeedbackRecord(uuid.uuid4().hex, given.request_id, given.labels, given.who)
        worker.keep_feedback(record)
        return FeedbackReceipt(feedback_id=record.feedback_id, request_id=given.request_id)


VisionService.add_asgi_middleware(
    Gateway,
    routes=routes_app(worker),
    guard=Guard(worker.settings),
    settings=worker.settings,
    on_call=worker.on_call,
    on_request=worker.on_request,
    metrics_page=worker.metrics.page,
)
