"""A service of nothing but the door, for tests that need a real server and no model."""

# ruff: noqa: E402 - the switches must be set before BentoML is imported.
from vision.environment import prepare

prepare()

import os

import bentoml

from serving.access import Guard
from serving.gateway import Gateway
from serving.settings import read_settings
from serving.telemetry import forget_tracking_answer
from tests.serving.access.door_routes import DoorRoutes

forget_tracking_answer()
settings = read_settings()


@bentoml.service(
    name="door",
    workers=int(os.environ.get("DOOR_WORKERS", "1")),
    http={"host": "127.0.0.1"},
    metrics={"enabled": False},
)
class DoorService:
    """Answers with what came through the door."""

    @bentoml.api
    def predict(self, number: int) -> int:
        """BentoML wants one."""
        return number


DoorService.add_asgi_middleware(
    Gateway,
    routes=DoorRoutes(settings).app(),
    guard=Guard(settings),
    settings=settings,
    metrics_page=lambda: (b"door_up 1\n", "text/plain; version=0.0.4"),
)
