"""The least a server can do around the serving graph: read the form, decode, run, answer JSON.

    VISIONSTACK_BUNDLE=... uvicorn bare:app --app-dir benchmarks/serving

No limits, no checks, no log, no metrics, no drift, no errors but Starlette's own. Decoding and the
graph run on threads, one for each core, as in the service: on the event loop they would use one
core only.
"""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vision.bundles.load import ServingModel
from vision.images.preprocess import load_image

model = ServingModel.load(Path(os.environ["VISIONSTACK_BUNDLE"]))
limiter = anyio.CapacityLimiter(len(os.sched_getaffinity(0)))


def classify(data: bytes) -> dict[str, object]:
    """Returns label and probabilities."""
    image = load_image(data, model.manifest.input_size)
    row = model.predict(image[None]).probabilities[0]
    classes = model.manifest.classes
    return {
        "label": classes[int(row.argmax())],
        "probabilities": dict(zip(classes, row.tolist(), strict=True)),
    }


async def predict(request: Request) -> Response:
    """Classifies one image."""
    async with request.form() as form:
        upload = form["image"]
        assert isinstance(upload, UploadFile)
        data = await upload.read()
    return JSONResponse(await anyio.to_thread.run_sync(classify, data, limiter=limiter))


async def is_ready(request: Request) -> Response:
    """The model is loaded."""
    return JSONResponse({})


app = Starlette(routes=[Route("/predict", predict, methods=["POST"]), Route("/readyz", is_ready)])
