"""A service that answers as the real one does, in its own types, and as a test wants it to.

It listens on a port of its own, so that the page is looked at through a real browser and network.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import model_schema, schema
from serving.explain import draw_explanation
from serving.page import page_response
from serving.problems import NO_KEY, NOT_FOUND, ProblemError, image_problem, problem_response
from tests.servers import free_port
from vision.bundles.manifest import Lineage
from vision.drift.names import VIEWS
from vision.errors import ImageError
from vision.images.decode import decode_image

CLASSES = ("sunset", "harbour", "forest", "city at night", "snow", "desert", "meadow")
PROBABILITIES = (0.934, 0.031, 0.018, 0.011, 0.004, 0.0017, 0.0003)
VERSION = "20260101-120000-0badcafe"
CHECKED = datetime(2026, 1, 2, 9, 30, tzinfo=UTC)


@dataclass
class Pretend:
    """What the service answers with; a test changes it while the service runs.

    Attributes:
      key: what X-API-Key must hold; empty for no key.
      problems: by path, what is answered instead.
      report: what /drift says besides the verdict.
      kept: the images of requests that are kept, by request id.
      gate: a prediction that is asked for while this is there is answered once it is set.
      seen: method, path and what came with it, of each call but those of the page itself.
    """

    classes: tuple[str, ...] = CLASSES
    probabilities: tuple[float, ...] = PROBABILITIES
    task: str = "multiclass"
    abstained: bool = False
    warnings: tuple[str, ...] = ()
    drift: str = "ok"
    report: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, bytes] = field(default_factory=dict)
    has_map: bool = True
    key: str = ""
    gate: threading.Event | None = None
    problems: dict[str, ProblemError] = field(default_factory=dict)
    seen: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def verdict(self) -> schema.DriftVerdict:
        """The verdict as every answer has it."""
        if self.drift == "unknown":
            return schema.DriftVerdict()
        return schema.DriftVerdict.model_validate(
            {"status": self.drift, "checked_at": CHECKED, "n_images": 200}
        )

    @property
    def model(self) -> schema.ModelReference:
        """The model that answers."""
        return schema.ModelReference(name="scenes", version=VERSION)

    def app(self) -> Starlette:
        """Returns the app."""
        routes = [
            Route("/predict", self._predict, methods=["POST"]),
            Route("/feedback", self._feedback, methods=["POST"]),
            Route("/model", self._model),
            Route("/drift", self._drift),
            Route("/predictions/{request_id}/image", self._image),
            Route("/ui", self._page),
        ]
        return Starlette(routes=routes, exception_handlers={ProblemError: self._refuse})

    async def _page(self, request: Request) -> Response:
        return page_response(request)

    async def _refuse(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return problem_response(error, uuid.uuid4().hex)

    def _enter(self, request: Request, content: Any = None) -> None:
        self.seen.append((request.method, request.url.path, content))
        if self.key and request.headers.get("x-api-key") != self.key:
            raise ProblemError(NO_KEY, "Send a key in X-API-Key or Authorization: Bearer.")
        if problem := self.problems.get(request.url.path):
            raise problem

    async def _predict(self, request: Request) -> Response:
        gate = self.gate  # before it is seen that this came, and the gate changed for the next
        form = await request.form()
        image = form["image"]
        assert isinstance(image, UploadFile)
        options = {name: value for name, value in form.items() if name != "image"}
        data = await image.read()
        came = {"filename": image.filename, "n_bytes": len(data)}
        self._enter(request, {**options, **came, "origin": request.headers.get("origin")})
        while gate is not None and not gate.is_set():
            await asyncio.sleep(0.01)
        try:
            pixels = decode_image(data)
        except ImageError as error:
            raise image_problem(error) from error
        return _json(self.answer(pixels))

    def answer(self, pixels: npt.NDArray[np.uint8]) -> schema.Answer:
        """Returns the answer to an image, with the heatmap."""
        return schema.Answer(
            request_id=uuid.uuid4().hex,
            model=self.model,
            prediction=schema.Prediction(label=self.classes[0], probability=self.probabilities[0]),
            abstained=self.abstained,
            probabilities=dict(zip(self.classes, self.probabilities, strict=True)),
            drift=self.verdict,
            warnings=self.warnings,
            explanation=draw_explanation(
                activation_map() if self.has_map else None, pixels, "heatmap", "png"
            ),
        )

    async def _feedback(self, request: Request) -> Response:
        form = await request.json()
        self._enter(request, form)
        unknown = sorted(set(form["labels"]) - set(self.classes))
        warnings = tuple(f"The model has no class {name}." for name in unknown)
        receipt = schema.FeedbackReceipt(
            feedback_id=uuid.uuid4().hex, request_id=form["request_id"], warnings=warnings
        )
        return _json(receipt, 202)

    async def _model(self, request: Request) -> Response:
        self._enter(request)
        summary = model_schema.ModelSummary(
            **self.model.model_dump(),
            created_at=CHECKED,
            architecture="resnet50",
            task=self.task,
            input_size=(224, 224),
            classes=self.classes,
            n_parameters=23_000_000,
            metrics={"accuracy": 0.97},
            lineage=Lineage(data_digest="d" * 64, dataset_source="folder"),
        )
        return _json(summary)

    async def _drift(self, request: Request) -> Response:
        self._enter(request)
        detail = "The detectors did not end within 30 s." if self.drift == "error" else ""
        shown = {"window": 200, "n_waiting": 37, "every_n": 50, "detail": detail, **self.report}
        return _json(schema.DriftReport(verdict=self.verdict, model=self.model, **shown))

    async def _image(self, request: Request) -> Response:
        request_id = request.path_params["request_id"]
        self._enter(request)
        if request_id not in self.kept:
            raise ProblemError(NOT_FOUND, "The image is not kept.")
        return Response(self.kept[request_id], media_type="image/png")


def _json(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")


def drift_report(
    status: str, views: tuple[str, ...] = VIEWS, n_checks: int = 24, moved: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Returns what /drift says: the last checks went from usual to moved, if anything has."""
    rng = np.random.default_rng(5)
    history = []
    for index in range(n_checks):
        levels = {}
        for view in views:
            is_far = view in moved and index >= n_checks - 6
            p_value = 10 ** (-3 - 0.8 * (index - n_checks + 7)) if is_far else rng.uniform(0.01, 1)
            levels[view] = {"p_value": p_value, "threshold": 0.0042}
        is_last = index == n_checks - 1
        found = "drift" if moved and index >= n_checks - 6 else "ok"
        history.append(
            {
                "checked_at": CHECKED - timedelta(hours=n_checks - 1 - index),
                "status": "error" if (is_last and status == "error") or index == 9 else found,
                "n_images": 200,
                "moved": moved if found == "drift" else (),
                "views": {} if index == 9 else levels,
            }
        )
    newest = history[-1]["views"]
    tests = {
        view: {
            "view": view,
            "detector": "chi_squared" if view == "classes" else "ks",
            "n_images": 100 if view in moved else 200,
            "statistic": 0.31,
            **newest[view],
            "is_drift": view in moved,
            "column": "sharpness" if view == "properties" else f"{view} 3",
        }
        for view in views
    }
    return {
        "views": tests,
        "tests": tuple(tests.values()),
        "moved": moved,
        "since": CHECKED - timedelta(hours=5) if moved else None,
        "history": history,
        "alarm_rate": 1 / 360,
        "false_alarms": "Without drift, about 1 check in 360 finds some (1 per 90 days at 200 "
        "images per day were allowed when the model was made).",
    }


def activation_map() -> npt.NDArray[np.float32]:
    """Returns a (7, 7) map that is warm around the sun of :func:`draw_sunset`."""
    rows, columns = np.mgrid[0:7, 0:7]
    heat = np.exp(-((rows - 2.6) ** 2 + (columns - 4) ** 2) / 3.0)
    return np.asarray(heat, np.float32)


def draw_sunset(width: int = 800, height: int = 600) -> npt.NDArray[np.uint8]:
    """Returns a drawn sunset over hills, ``(height, width, 3)`` RGB."""
    sky = np.linspace((92, 46, 108), (250, 176, 98), height)[:, None].repeat(width, 1)
    image = np.ascontiguousarray(sky.astype(np.uint8))
    unit = width / 800
    cv2.circle(image, (int(480 * unit), int(250 * unit)), int(72 * unit), (255, 226, 150), -1, 16)
    across = np.arange(width)
    for depth, colour in enumerate([(150, 74, 92), (104, 48, 78), (56, 28, 58)]):
        level = height * (0.62 + 0.12 * depth)
        ridge = level + 26 * unit * np.sin(across / (95 * unit) + 2.1 * depth)
        outline = np.stack([across, ridge], 1).astype(np.int32)
        corners = np.array([[width, height], [0, height]], np.int32)
        cv2.fillPoly(image, [np.concatenate([outline, corners])], colour, 16)
    return image


@contextmanager
def pretending(service: Pretend) -> Iterator[str]:
    """Runs the service inside the block and gives its address."""
    port = free_port()
    config = uvicorn.Config(service.app(), port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="pretend-service", daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
