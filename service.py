"""The BentoML service: ``bentoml serve`` in this folder answers requests with the champion.

Everything behind it is in :mod:`serving`; this module only ties it to BentoML.
"""

# ruff: noqa: E402 - the switches must be set before BentoML is imported.
from __future__ import annotations

from vision.environment import prepare

prepare()

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.exceptions import ServiceUnavailable
from bentoml.validators import ContentType

from serving.gateway import Gateway
from serving.models.host import ModelHost
from serving.predict import predict_image
from serving.schema import Answer
from serving.telemetry import forget_tracking_answer
from serving.upload import UploadLimits

forget_tracking_answer()

host = ModelHost()
limits = UploadLimits()


@bentoml.service(
    name="visionstack",
    workers=1,
    # Nobody but this machine, unless `bentoml serve --host 0.0.0.0` or BENTOML_HOST says so.
    http={"host": "127.0.0.1"},
    traffic={"timeout": 60},
)
class VisionService:
    """Classifies images with the champion."""

    def __init__(self) -> None:
        host.start()

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Lets a load that is under way end."""
        host.stop()

    @bentoml.api
    def predict(self, image: Annotated[Path, ContentType("image/*")]) -> Answer:
        """Classifies one image.

        Declared for BentoML's Python client and for calls inside a process; requests over HTTP are
        answered by the gateway.
        """
        model = host.state.model
        if model is None:
            raise ServiceUnavailable(host.state.detail)
        return predict_image(model, image.read_bytes(), limits.image, "")


VisionService.add_asgi_middleware(Gateway, host=host, limits=limits)
