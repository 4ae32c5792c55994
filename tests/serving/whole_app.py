"""The whole service in this process: gateway, routes, log and the fake bundle, without BentoML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from serving.access import Guard
from serving.gateway import Gateway
from serving.models import load_model
from serving.models.state import State
from serving.routes import routes_app
from serving.settings import ServiceSettings
from serving.worker import Worker


@contextmanager
def whole_app(bundle: Path, is_private: bool = True, **settings: Any) -> Iterator[TestClient]:
    """Runs the service of a bundle inside the block; by default only this machine reaches it."""
    worker = Worker(ServiceSettings(**settings))
    model = load_model(bundle)
    worker.host.state = State(model)
    worker.drift.follow(model)
    worker.log.start()
    gateway = Gateway(
        Starlette(),
        routes=routes_app(worker),
        guard=Guard(worker.settings, lambda: is_private),
        settings=worker.settings,
        on_call=worker.log.put,
        on_request=worker.metrics.request,
        metrics_page=worker.metrics.page,
    )
    try:
        yield TestClient(gateway, base_url="http://127.0.0.1:3000", raise_server_exceptions=False)
    finally:
        worker.log.stop()
