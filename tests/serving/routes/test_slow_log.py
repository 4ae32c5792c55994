"""A log that does not answer, and other slow work, at the side of predictions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import anyio.to_thread
import httpx
import pytest
from starlette.testclient import TestClient

from serving.log import LogError
from serving.routes.predictions import READERS
from serving.routes.readers import AllBusyError, Readers
from tests.fake_bundle import encode_image, solid_image

pytestmark = pytest.mark.unit

FILES = {"image": ("a.png", encode_image(solid_image("red")))}
N_LOOK_UPS = 70

Drive = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Set at the end of a test at the latest, so that no thread stays."""
    event = threading.Event()
    yield event
    event.set()


def drive(client: TestClient, steps: Drive) -> None:
    """Runs ``steps`` with a client whose requests run side by side."""

    async def run() -> None:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as each:
            await asyncio.wait_for(steps(each), 60)

    asyncio.run(run())


def test_a_log_that_does_not_answer_keeps_out_no_prediction(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, let_go: threading.Event
) -> None:
    worker = client.worker  # type: ignore[attr-defined]
    monkeypatch.setattr(client.app, "_metrics_page", worker.metrics.page)
    asked: list[str] = []

    def find(request_id: str) -> None:
        asked.append(request_id)
        let_go.wait(60)
        raise LogError("the prediction log's database does not answer; ask again later")

    monkeypatch.setattr(worker.log, "find", find)

    async def steps(each: httpx.AsyncClient) -> None:
        names = [f"{number:010d}" for number in range(N_LOOK_UPS)]
        tasks = [asyncio.create_task(each.get(f"/predictions/{name}")) for name in names]
        while sum(task.done() for task in tasks) < N_LOOK_UPS - READERS:
            await asyncio.sleep(0.01)
        refused = [task.result() for task in tasks if task.done()]
        assert {response.status_code for response in refused} == {503}
        assert {response.headers["retry-after"] for response in refused} == {"5"}
        assert refused[0].json()["type"] == "/problems/no-log"
        assert {response.json()["detail"] for response in refused} == {
            "4 requests read the prediction log, as many as may; ask again later."
        }
        together = [each.post("/predict", files=FILES) for _ in range(30)]
        assert {found.status_code for found in await asyncio.gather(*together)} == {200}
        for path in ("/metrics", "/models", "/readyz"):
            assert (await each.get(path)).status_code == 200
        assert len(asked) == READERS
        let_go.set()
        late = [response for response in await asyncio.gather(*tasks) if response not in refused]
        assert {response.json()["detail"] for response in late} == {
            "the prediction log's database does not answer; ask again later"
        }
        assert (await each.get("/predictions/0123456789")).status_code == 503
        assert len(asked) == READERS + 1

    drive(client, steps)


def test_models_are_listed_and_changed_without_the_shared_threads(client: TestClient) -> None:
    async def steps(each: httpx.AsyncClient) -> None:
        shared = anyio.to_thread.current_default_thread_limiter()
        shared.total_tokens = 1
        async with shared:
            assert (await each.get("/models")).json() == {"models": []}
            assert (await each.post("/model/rollback")).status_code == 409
            assert (await each.post("/predict", files=FILES)).status_code == 200
            assert (await each.get("/predictions/0123456789")).status_code in (404, 503)

    drive(client, steps)


def test_a_request_that_is_given_up_leaves_its_reader_at_work(let_go: threading.Event) -> None:
    async def steps() -> None:
        readers = Readers(1)
        given_up = asyncio.create_task(readers.run(let_go.wait, 60))
        await asyncio.sleep(0.1)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)
        with pytest.raises(AllBusyError):
            await readers.run(int)
        let_go.set()
        for _ in range(500):
            try:
                assert await readers.run(int, "7") == 7
                break
            except AllBusyError:
                await asyncio.sleep(0.01)
        else:
            raise AssertionError("the place is never given back")
        never_begun = asyncio.create_task(readers.run(int))
        await asyncio.sleep(0)
        never_begun.cancel()
        await asyncio.gather(never_begun, return_exceptions=True)
        assert await readers.run(int, "8") == 8

    asyncio.run(steps())
