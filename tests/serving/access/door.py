"""The door alone: in this process, or behind ``bentoml serve``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from serving.access import Guard
from serving.gateway import Gateway
from serving.record import CallRecord
from serving.settings import ServiceSettings
from tests.servers import free_port, running
from tests.serving.access.door_routes import DoorRoutes

LOOPBACK = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Door:
    """The door in this process.

    Attributes:
      client: sends requests as from this machine, to a service that only it can reach.
      calls: what was recorded.
      requests: what was counted.
    """

    client: TestClient
    calls: list[CallRecord]
    requests: list[tuple[str, str, int, float]]
    gateway: Gateway


def make_door(is_private: bool = True, **settings: Any) -> Door:
    """Makes a door with the given settings; BentoML's own app behind it is a stand-in."""
    read = ServiceSettings(**settings)
    calls: list[CallRecord] = []
    requests: list[tuple[str, str, int, float]] = []
    gateway = Gateway(
        PlainTextResponse("bentoml"),
        routes=DoorRoutes(read).app(),
        guard=Guard(read, lambda: is_private),
        settings=read,
        on_call=calls.append,
        on_request=lambda *found: requests.append(found),
    )
    client = TestClient(gateway, base_url=LOOPBACK, raise_server_exceptions=False)
    return Door(client, calls, requests, gateway)


@dataclass(frozen=True)
class Served:
    """The door behind a real server."""

    client: httpx.Client
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def pid(self) -> int:
        """Returns the process of the worker."""
        return int(self.client.get("/pid").json()["pid"])


@contextmanager
def door(folder: Path, *options: str, environment: Mapping[str, str] = {}) -> Iterator[Served]:
    """Runs ``bentoml serve`` with a service of nothing but the door."""
    port = free_port()
    bentoml = str(Path(sys.executable).with_name("bentoml"))
    service = "tests.serving.access.door_service:DoorService"
    command = [bentoml, "serve", service, "--port", str(port), *options]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VISIONSTACK_")}
    own = {"HOME": str(folder), "BENTOML_HOME": str(folder / "bentoml"), "PYTHONPATH": "."}
    address = f"http://127.0.0.1:{port}"
    log = folder / "door.txt"
    with (
        running(command, {**kept, **own, **environment}, log, f"{address}/livez", 60) as process,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield Served(client, process, port, log)
