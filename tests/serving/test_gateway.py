"""Tests of serving/gateway.py: ids, headers, the waiting room, and what is noted."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable

import anyio.to_thread
import httpx
import pytest
from starlette.types import Message, Scope

from serving.access import WaitingRoom
from serving.access.exchange import Exchange
from serving.access.headers import SECURITY
from serving.gateway import MAX_HEADERS, RECORDED_REFUSALS
from tests.serving.access.door import LOOPBACK, Door, make_door

FILES = {"image": ("a.png", b"0123456789")}


@pytest.fixture
def door() -> Door:
    return make_door()


@pytest.mark.parametrize("path", ["/metrics", "/schema.json"])
def test_bentoml_answers_what_only_it_knows(door: Door, path: str) -> None:
    response = door.client.get(path)
    assert response.text == "bentoml"
    assert response.headers["x-request-id"]
    refused = door.client.post(path)
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD"
    assert refused.json()["type"] == "/problems/method-not-allowed"


def test_a_page_of_metrics_takes_the_place_of_bentomls() -> None:
    door = make_door()
    door.gateway._metrics_page = lambda: (b"up 1\n", "text/plain; version=0.0.4")
    response = door.client.get("/metrics")
    assert response.text == "up 1\n"
    assert response.headers["content-type"] == "text/plain; version=0.0.4"
    assert door.client.post("/metrics").status_code == 405
    assert door.client.get("/schema.json").text == "bentoml"


@pytest.mark.parametrize(
    "path", ["/model", "/livez", "/nothing", "/metrics", "/schema.json", "/defect", "/predict"]
)
def test_se10_every_response_has_the_security_headers(path: str) -> None:
    for is_private in (True, False):
        headers = make_door(is_private).client.get(path).headers
        assert len(headers["x-request-id"]) == 32
        for name, value in SECURITY:
            assert headers[name.decode()] == value.decode()
        assert not [name for name in headers if name.startswith("access-control-")]
        assert len(headers.get_list("content-security-policy")) == 1


def test_se10_the_page_keeps_a_policy_of_its_own(door: Door) -> None:
    headers = door.client.get("/ui").headers
    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers.get_list("cache-control") == ["no-cache"]
    assert headers["x-content-type-options"] == "nosniff"


def test_a_safe_id_begins_ids_that_are_never_the_same(door: Door) -> None:
    asked = "trace-0123.abc_DEF"
    for _ in range(2):
        response = door.client.get("/model", headers={"X-Request-ID": asked})
        given = response.headers["x-request-id"]
        assert re.fullmatch(rf"{asked}-[0-9a-f]{{16}}", given)
        assert len(given) <= 64
        assert response.json()["request_id"] == given
        assert door.calls[-1].request_id == given
    assert door.calls[-1].request_id != door.calls[-2].request_id


def test_ids_behind_one_that_is_asked_for_again_and_again_differ(door: Door) -> None:
    asked = "x" * 47
    scope = scope_of("/model") | {"headers": [(b"x-request-id", asked.encode())]}
    room = WaitingRoom(1, 1)
    # With 32 random bits about 5 of these would be the same, and their rows be dropped.
    ids = {Exchange(scope, endless, ignore, room, ()).request_id for _ in range(200_000)}
    assert len(ids) == 200_000
    assert {len(each) for each in ids} == {64}


@pytest.mark.parametrize(
    "asked", ["short", "x" * 48, "with space here", "<script>12345", "a/b/c/d/e", "a\r\nX-Evil: 1"]
)
def test_an_unsafe_id_is_replaced(door: Door, asked: str) -> None:
    response = door.client.get("/nothing", headers={"X-Request-ID": asked.encode()})
    assert len(response.headers["x-request-id"]) == 32
    assert asked not in response.text


def test_ids_differ(door: Door) -> None:
    ids = {door.client.get("/livez").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


def test_a_body_that_nobody_reads_ends_the_connection(door: Door) -> None:
    assert door.client.post("/nothing", files=FILES).headers["connection"] == "close"
    assert "connection" not in door.client.post("/predict", files=FILES).headers
    assert "connection" not in door.client.get("/livez").headers
    closed = make_door(is_private=False).client
    assert closed.post("/predict", files=FILES).headers["connection"] == "close"


def test_in10_headers_are_limited(door: Door) -> None:
    for headers in (
        {f"X-{number}": "1" for number in range(MAX_HEADERS)},
        {"X-Long": "x" * 40_000},
        {"Content-Type": "multipart/form-data; boundary=" + "b" * 1_000_000},
    ):
        response = door.client.post("/predict", headers=headers)
        assert response.status_code == 400
        assert "at most" in response.json()["detail"]
    assert door.client.get("/livez", params={"q": "x" * 40_000}).status_code == 400


# What is noted.


def test_each_call_is_recorded(door: Door) -> None:
    door.client.post("/predict", files=FILES)
    door.client.post("/predict", files={"other": b"x"})
    door.client.get("/nothing")
    door.client.get("/defect")
    assert [(call.method, call.route, call.status, call.problem) for call in door.calls] == [
        ("POST", "/predict", 200, ""),
        ("POST", "", 400, "bad-request"),
        ("GET", "", 404, "not-found"),
        ("GET", "", 500, "internal"),
    ]
    assert all(call.caller == "" and 0 < call.latency_s < 60 for call in door.calls)
    assert len({call.request_id for call in door.calls}) == 4


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/ui", "/metrics"])
def test_probes_are_counted_and_not_recorded(door: Door, path: str) -> None:
    door.client.get(path)
    assert door.calls == []
    counted = [] if path == "/metrics" else [("GET", 200)]
    assert [found[1:3] for found in door.requests] == counted


def test_what_is_counted_is_what_was_answered(door: Door) -> None:
    for _ in range(3):
        door.client.get("/model")
    door.client.get("/livez")
    assert [found[:3] for found in door.requests] == [
        *[("/model", "GET", 200)] * 3,
        ("/livez", "GET", 200),
    ]


def test_a_flood_of_refusals_does_not_fill_the_log() -> None:
    door = make_door(is_private=False, api_key="a-key-of-some-length")
    door.gateway._refusals._clock = lambda: 0.0
    for _ in range(RECORDED_REFUSALS + 40):
        assert door.client.get("/model").status_code == 401
    assert len(door.calls) == RECORDED_REFUSALS
    assert {(call.status, call.problem) for call in door.calls} == {(401, "no-key")}
    assert len(door.requests) == RECORDED_REFUSALS + 40
    headers = {"X-API-Key": "a-key-of-some-length"}
    for _ in range(10):
        door.client.get("/nothing", headers=headers)
    assert [call.status for call in door.calls[-10:]] == [404] * 10


# The waiting room.

Drive = Callable[[httpx.AsyncClient], Awaitable[None]]


def drive(door: Door, steps: Drive) -> None:
    """Runs ``steps`` with a client whose requests run side by side."""

    async def run() -> None:
        transport = httpx.ASGITransport(door.gateway, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=LOOPBACK) as client:
            await steps(client)

    asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    """Lets requests run until something is so."""
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0)


def test_ls02_more_than_may_wait_are_refused_at_once() -> None:
    door = make_door(max_waiting=4)

    async def steps(client: httpx.AsyncClient) -> None:
        slow = [asyncio.create_task(client.get("/slow")) for _ in range(4)]
        await until(lambda: door.gateway._room.n_waiting == 4)
        refused = await asyncio.gather(
            *(client.get("/model") for _ in range(20)), client.post("/predict", files=FILES)
        )
        assert {response.status_code for response in refused} == {429}
        assert {response.headers["retry-after"] for response in refused} == {"1"}
        assert refused[0].json()["type"] == "/problems/too-many-requests"
        assert refused[0].json()["detail"].startswith("4 requests are waiting, as many as may")
        for path in ("/livez", "/readyz", "/healthz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        assert door.gateway._room.n_waiting == 0
        assert (await client.get("/model")).status_code == 200

    drive(door, steps)
    assert [call.status for call in door.calls].count(429) == 21
    assert [call.status for call in door.calls].count(504) == 4


async def ignore(message: Message) -> None:
    """Takes what is sent to nobody."""


async def endless() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def scope_of(path: str, content_type: str = "multipart/form-data; boundary=b") -> Scope:
    headers = [
        (b"host", b"127.0.0.1"),
        (b"transfer-encoding", b"chunked"),
        (b"content-type", content_type.encode()),
    ]
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }


def test_in10_slow_senders_and_readers_take_no_place() -> None:
    door = make_door(max_waiting=1)

    async def never_read(message: Message) -> None:
        if message["type"] == "http.response.start":
            await asyncio.Event().wait()

    async def steps(client: httpx.AsyncClient) -> None:
        senders = [
            asyncio.create_task(door.gateway(scope_of("/predict"), endless, never_read))
            for _ in range(50)
        ]
        readers = [
            asyncio.create_task(door.gateway(scope_of("/nothing"), endless, never_read))
            for _ in range(50)
        ]
        await asyncio.sleep(0.05)
        for _ in range(5):
            assert (await client.post("/predict", files=FILES)).status_code == 200
        assert not [task for task in senders + readers if task.done()]
        for task in senders + readers:
            task.cancel()
        await asyncio.gather(*senders, *readers, return_exceptions=True)

    drive(door, steps)
    room = door.gateway._room
    assert (room.n_waiting, room.n_bytes) == (0, 0)


STARTED = b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'


def stalling(n_bytes: int) -> Callable[[], Awaitable[Message]]:
    """Sends an image of so many bytes, and then nothing more."""
    body = STARTED + b"x" * n_bytes
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": True}]

    async def receive() -> Message:
        return left.pop() if left else await endless()

    return receive


def test_in10_large_uploads_that_stall_keep_out_large_ones_only() -> None:
    door = make_door()
    most = door.gateway._room._max_bytes // 2 - 1_000

    async def steps(client: httpx.AsyncClient) -> None:
        tasks = [
            asyncio.create_task(door.gateway(scope_of("/predict_batch"), stalling(most), ignore))
            for _ in range(2)
        ]
        await asyncio.sleep(0.5)
        room = door.gateway._room
        assert (room.n_large_bytes, room.n_small_bytes) == (2 * (most + len(STARTED)), 0)
        image = {"image": ("a.png", b"x" * 20 * 1024 * 1024)}
        together = [client.post("/predict", files=image) for _ in range(4)]
        assert [each.status_code for each in await asyncio.gather(*together)] == [200] * 4
        small = [("images", ("a", b"x" * 30_000))] * 3
        assert (await client.post("/predict_batch", files=small)).status_code == 200
        large = [("images", ("a", b"x" * 15 * 1024 * 1024))] * 2
        refused = await client.post("/predict_batch", files=large)
        assert refused.status_code == 429
        assert refused.json()["detail"].startswith("Too many uploads at a time")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert room.n_bytes == 0

    drive(door, steps)


def test_a_page_of_metrics_waits_for_no_other_threads() -> None:
    door = make_door()
    door.gateway._metrics_page = lambda: (b"up 1\n", "text/plain")

    async def steps(client: httpx.AsyncClient) -> None:
        shared = anyio.to_thread.current_default_thread_limiter()
        shared.total_tokens = 1
        async with shared:
            response = await asyncio.wait_for(client.get("/metrics"), 10)
        assert (response.status_code, response.text) == (200, "up 1\n")

    drive(door, steps)


def test_looking_up_a_prediction_takes_no_place() -> None:
    door = make_door(max_waiting=1)

    async def steps(client: httpx.AsyncClient) -> None:
        slow = asyncio.create_task(client.get("/slow"))
        await until(lambda: door.gateway._room.n_waiting == 1)
        assert (await client.get("/model")).status_code == 429
        assert (await client.get("/predictions/0123456789")).status_code == 404
        assert door.gateway._room.n_waiting == 1
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)

    drive(door, steps)


def test_in10_the_bytes_of_all_bodies_are_limited() -> None:
    door = make_door(max_batch_bytes=100_000)
    door.gateway._room = WaitingRoom(64, 200_000)

    async def steps(client: httpx.AsyncClient) -> None:
        tasks = [
            asyncio.create_task(door.gateway(scope_of("/predict_batch"), stalling(90_000), ignore))
            for _ in range(2)
        ]
        await asyncio.sleep(0.05)
        assert 180_000 < door.gateway._room.n_bytes < 200_000
        files = [("images", ("a", b"x" * 30_000))]
        response = await client.post("/predict_batch", files=files)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"
        assert response.json()["detail"].startswith("Too many uploads at a time")
        tasks.pop().cancel()
        await asyncio.sleep(0.05)
        assert (await client.post("/predict_batch", files=files)).status_code == 200
        tasks.pop().cancel()
        await asyncio.sleep(0.05)

    drive(door, steps)
    assert door.gateway._room.n_bytes == 0


def test_a_body_that_is_complete_too_late_is_refused() -> None:
    door = make_door(max_waiting=1)

    async def steps(client: httpx.AsyncClient) -> None:
        gate = asyncio.Event()

        async def body():  # type: ignore[no-untyped-def]
            yield b'{"text": '
            await gate.wait()
            yield b'"late"}'

        headers = {"content-type": "application/json"}
        messages = body()
        sent: list[Message] = []

        async def receive() -> Message:
            chunk = await anext(messages, None)
            return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

        async def send(message: Message) -> None:
            sent.append(message)

        late = asyncio.create_task(
            door.gateway(scope_of("/feedback", headers["content-type"]), receive, send)
        )
        await until(lambda: door.gateway._room.n_bytes > 0)
        slow = asyncio.create_task(client.get("/slow"))
        await until(lambda: door.gateway._room.n_waiting == 1)
        gate.set()
        await late
        assert sent[0]["status"] == 429
        assert json.loads(sent[1]["body"])["type"] == "/problems/too-many-requests"
        assert (await client.get("/predictions/free")).status_code == 200
        assert (await slow).status_code == 200

    drive(door, steps)
    assert door.gateway._room.n_waiting == 0


# Pages of other origins.

LAB = "https://lab.example"
ASKING = {"Origin": LAB, "Access-Control-Request-Method": "POST"}


def test_se10_there_is_no_cors_by_default(door: Door) -> None:
    response = door.client.options("/predict", headers=ASKING)
    assert response.status_code == 404
    assert not [name for name in response.headers if name.startswith("access-control-")]


def test_se10_origins_are_exact() -> None:
    client = make_door(False, cors_origins=LAB, api_key="a-key-of-some-length").client
    allowed = client.options("/predict", headers=ASKING)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == LAB
    assert allowed.headers["access-control-allow-methods"] == "GET, POST, PUT, DELETE"
    assert "X-API-Key" in allowed.headers["access-control-allow-headers"]
    assert allowed.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in allowed.headers
    for origin in ("https://evil.example", f"{LAB}.evil.example", "http://lab.example", "null"):
        refused = client.options("/predict", headers=ASKING | {"Origin": origin})
        assert refused.status_code == 401
        assert "access-control-allow-origin" not in refused.headers
        assert refused.headers["vary"] == "Origin"


def test_se10_answers_to_an_allowed_origin_can_be_read() -> None:
    client = make_door(cors_origins=LAB).client
    for path, status in (("/model", 200), ("/nothing", 404)):
        response = client.get(path, headers={"Origin": LAB})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == LAB
        assert "X-Request-ID" in response.headers["access-control-expose-headers"]
    plain = client.get("/model")
    assert "access-control-allow-origin" not in plain.headers
    assert plain.headers["vary"] == "Origin"


# Everything else.


def test_web_sockets_are_closed(door: Door) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect) as caught, door.client.websocket_connect("/predict"):
        pass
    assert caught.value.code == 1008


def test_the_start_and_end_of_the_process_are_bentomls() -> None:
    seen: list[str] = []

    async def bentoml(scope: Scope, receive: object, send: object) -> None:
        seen.append(scope["type"])

    door = make_door()
    door.gateway._bentoml = bentoml
    asyncio.run(door.gateway({"type": "lifespan"}, endless, lambda message: endless()))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_se10_a_defect_is_answered_without_its_text(door: Door) -> None:
    response = door.client.get("/defect")
    assert response.status_code == 500
    assert response.json()["type"] == "/problems/internal"
    assert "secret" not in response.text


def test_in12_the_access_log_is_escaped(door: Door) -> None:
    make_door()  # any number of doors escape once
    filters = logging.getLogger("bentoml.access").filters
    assert [type(each).__name__ for each in filters].count("OneLine") == 1
