"""The whole app before a PostgreSQL that takes what it is asked and says nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from serving.routes.predictions import READERS
from tests.fake_bundle import encode_image, solid_image
from tests.postgres import running_postgres
from tests.serving.conftest import MakeClient
from tests.serving.log.proxy import Proxy

pytestmark = pytest.mark.integration

FILES = {"image": ("a.png", encode_image(solid_image("red")))}


@pytest.fixture
def proxy_and_address() -> Iterator[tuple[Proxy, str]]:
    """A database behind a proxy that can freeze."""
    with running_postgres() as server:
        address = str(server.new_database())
        proxy = Proxy(server.port)
        proxy.up()
        yield proxy, address.replace(f":{server.port}/", f":{proxy.port}/")
        proxy.down()


def test_a_frozen_database_turns_no_prediction_away(
    make_client: MakeClient,
    proxy_and_address: tuple[Proxy, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy, address = proxy_and_address
    client = make_client(log_database=address)
    worker = client.worker  # type: ignore[attr-defined]
    monkeypatch.setattr(client.app, "_metrics_page", worker.metrics.page)
    deadline = time.monotonic() + 60
    while client.get("/predictions/0123456789").status_code != 404:
        assert time.monotonic() < deadline, "the database is never ready"
        time.sleep(0.05)
    proxy.latency_s = 60.0

    async def steps() -> None:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as each:
            look_ups = [
                asyncio.create_task(each.get(f"/predictions/{number:010d}")) for number in range(70)
            ]
            while sum(task.done() for task in look_ups) < 70 - READERS:
                await asyncio.sleep(0.01)
            started = time.monotonic()
            together = [each.post("/predict", files=FILES) for _ in range(30)]
            assert {found.status_code for found in await asyncio.gather(*together)} == {200}
            for path in ("/metrics", "/models", "/readyz"):
                assert (await each.get(path)).status_code == 200
            assert time.monotonic() - started < 10
            proxy.down()
            answers = await asyncio.gather(*look_ups)
            assert {answer.status_code for answer in answers} == {503}

    asyncio.run(asyncio.wait_for(steps(), 90))
