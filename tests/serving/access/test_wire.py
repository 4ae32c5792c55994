"""The door behind ``bentoml serve``: what clients do on the wire, and what the log shows of it.

One server lives through the module. Every process of it notes each contact it makes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from tests.serving.access.door import Served, door
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.security]

KEY, ADMIN = "canary-user-key-7f3a9c", "canary-admin-key-51d2e8"
DATABASE = "postgresql+psycopg://canary-user:canary-password-0b6e@127.0.0.1:9/canary-base"
SECRETS = (KEY, ADMIN, "canary-password-0b6e", "canary-environment-a41f")
HEADERS = {"X-API-Key": KEY}
BODY_TIMEOUT_S = 2
FILE = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("door")
    environment = {
        "VISIONSTACK_API_KEY": KEY,
        "VISIONSTACK_ADMIN_KEY": ADMIN,
        "VISIONSTACK_LOG_DATABASE": DATABASE,
        "VISIONSTACK_BODY_TIMEOUT_S": str(BODY_TIMEOUT_S),
        "MYSECRET": "canary-environment-a41f",
        "PYTHONPATH": os.pathsep.join([".", str(repository() / "tests" / "socket_spy")]),
        "SOCKET_SPY": str(folder / "spy.txt"),
    }
    with door(folder, environment=environment) as server:
        yield server


def connect(served: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", served.port), timeout=30)


def head(content: str = "", path: str = "/predict") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-API-Key: {KEY}",
        "Content-Type: multipart/form-data; boundary=b",
        *content.splitlines(),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def answer(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


def wait_for_log(served: Served, text: str) -> None:
    """Waits for a line of the log, which is written after the answer."""
    deadline = time.monotonic() + 10
    while text not in served.log.read_text():
        assert time.monotonic() < deadline, f"the log never says {text!r}"
        time.sleep(0.01)


def memory(served: Served) -> int:
    return int(psutil.Process(served.pid()).memory_info().rss)


def test_it_answers(served: Served) -> None:
    served.client.headers.update(HEADERS)
    response = served.client.post("/predict", files={"image": ("a", b"x" * 5_000_000)})
    assert response.json()["sizes"] == [5_000_000]
    assert served.client.get("/metrics").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{served.port}/metrics").status_code == 401


def test_in10_a_gigabyte_in_chunks_is_cut_at_the_limit(served: Served) -> None:
    piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    served.client.post("/predict", files={"image": ("a", b"x" * 20_000_000)})
    before, n_sent = memory(served), 0
    with closing(connect(served)) as connection:
        connection.sendall(head("Transfer-Encoding: chunked"))
        connection.sendall(b"%x\r\n%s\r\n" % (len(FILE), FILE))
        try:
            for _ in range(16_384):
                connection.sendall(piece)
                n_sent += 65_536
        except (BrokenPipeError, ConnectionResetError):
            pass
    # What lies between the limit of 20 MB and this are the buffers of the two sockets.
    assert n_sent < 60_000_000
    assert memory(served) - before < 40_000_000
    assert served.client.get("/model").status_code == 200


def test_in10_a_long_body_that_is_announced_is_not_read(served: Served) -> None:
    with closing(connect(served)) as connection:
        connection.sendall(head("Content-Length: 1000000000"))
        received = answer(connection)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b'"type":"/problems/body-too-large"' in received
    assert b"connection: close" in received.lower()


def test_in10_ten_thousand_parts(served: Served) -> None:
    files = [("images", (f"{number}.png", b"x")) for number in range(10_000)]
    before = memory(served)
    assert served.client.post("/predict_batch", files=files).status_code == 400
    assert memory(served) - before < 40_000_000


def test_in10_long_boundaries_and_headers(served: Served) -> None:
    for line in (
        "Content-Type: multipart/form-data; boundary=" + "b" * 1_000_000,
        "X-Long: " + "x" * 50_000,
        "\r\n".join(f"X-{number}: 1" for number in range(200)),
    ):
        with closing(connect(served)) as connection:
            try:
                connection.sendall(head(f"{line}\r\nConnection: close"))
                received = answer(connection)
            except (BrokenPipeError, ConnectionResetError):
                continue  # refused while it was still being sent
        assert received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


def test_in10_slow_senders_hinder_nobody_and_end(served: Served) -> None:
    senders = [connect(served) for _ in range(60)]
    halves = [connect(served) for _ in range(40)]
    for sender in senders:
        sender.sendall(head("Content-Length: 1000") + b"-")
    for half in halves:
        half.sendall(b"POST /predict HTTP/1.1\r\nHost:")  # a header that never ends
    start = time.monotonic()
    while time.monotonic() < start + BODY_TIMEOUT_S / 2:
        for sender in senders:
            sender.sendall(b"-")
        for _ in range(5):
            assert served.client.get("/livez").status_code == 200
            assert served.client.post("/predict", files={"image": b"x"}).status_code == 200
        time.sleep(0.2)
    for sender in senders:
        received = answer(sender)
        assert received.startswith(b"HTTP/1.1 408 ")
        assert b'"type":"/problems/body-timeout"' in received
        sender.close()
    for half in halves:
        half.close()


def test_clients_that_go_away_leave_no_trace(served: Served) -> None:
    for ends in (b"", FILE, FILE + b"x" * 100_000):
        for _ in range(5):
            with closing(connect(served)) as connection:
                connection.sendall(head("Content-Length: 1000000") + ends)
    assert served.client.get("/model").status_code == 200
    assert "Traceback" not in served.log.read_text()


def test_in03_paths_that_do_not_exist_take_no_memory(served: Served) -> None:
    for number in range(200):
        served.client.get(f"/warm-{number}")
    before = memory(served)
    for number in range(1_000):
        assert served.client.get(f"/nothing-{number}").status_code == 404
    # BentoML's own metrics would have taken 70 MB.
    assert memory(served) - before < 15_000_000
    assert served.client.get("/metrics").text == "door_up 1\n"


def test_what_is_no_http(served: Served) -> None:
    for data in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\n",
    ):
        with closing(connect(served)) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            received = answer(connection)
        assert not received.startswith(b"HTTP/1.1 5")
    with closing(connect(served)) as connection, pytest.raises((ssl.SSLError, OSError)):
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
    assert served.client.get("/model").status_code == 200


def test_in12_a_path_cannot_forge_a_line_of_the_log(served: Served) -> None:
    served.client.get("/nothing%0D%0A2026-01-01T00:00:00+0000 [INFO] forged%1B[2J")
    wait_for_log(served, "forged")
    lines = [line for line in served.log.read_text().splitlines() if "forged" in line]
    assert len(lines) == 1
    assert r"path=/nothing\r\n2026-01-01T00:00:00+0000 [INFO] forged\x1b[2J" in lines[0]


def test_ls02_what_is_too_much_is_refused_and_the_probes_answer(served: Served) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{served.port}",
            limits=httpx.Limits(max_connections=100),
            timeout=30,
            trust_env=False,
            headers=HEADERS,
        ) as client:
            slow = [asyncio.create_task(client.get("/slow")) for _ in range(100)]
            answers = asyncio.as_completed(slow)
            # The others wait until they are freed.
            assert [(await next(answers)).status_code for _ in range(36)] == [429] * 36
            for _ in range(5):
                assert (await client.get("/livez", headers={"X-API-Key": ""})).status_code == 200
            assert (await client.get("/predictions/free")).status_code == 200
            assert [(await answer).status_code for answer in answers] == [200] * 64
            for _ in range(3):
                assert (await client.get("/model")).status_code == 200

    asyncio.run(run())


def test_se02_secrets_are_in_no_answer_and_no_log(served: Served) -> None:
    client = served.client
    answers = [
        client.get("/model"),
        client.get("/model", params={"api_key": KEY, "token": ADMIN}),
        client.get(f"/{'x'}", headers={"X-API-Key": ADMIN}),
        client.get("/metrics"),
        client.get("/schema.json"),
        client.get("/defect"),
        client.put("/model", headers={"X-API-Key": "wrong"}),
        client.post("/predict", files={"image": (None, b"x")}),
        client.post("/feedback", json={"text": 1}),
    ]
    assert [answer.status_code for answer in answers] == [
        200,
        200,
        404,
        200,
        200,
        500,
        401,
        400,
        422,
    ]
    served.process.poll()
    seen = [answer.text + repr(answer.headers) for answer in answers]
    for secret in SECRETS:
        assert not [text for text in seen if secret in text]
        assert secret not in served.log.read_text()


def test_in13_and_se05_nothing_outside_was_contacted(served: Served) -> None:
    for url in ("http://198.51.100.7/x.png", "http://169.254.169.254/", "file:///etc/passwd"):
        for value in ((None, url.encode()), ("a.png", url.encode())):
            response = served.client.post("/predict", files={"image": value})
            # A file may hold any bytes; these are no image, which is for the routes to say.
            assert response.status_code == (400 if value[0] is None else 200)
    spy = Path(served.log.parent / "spy.txt")
    notes = spy.read_text().splitlines() if spy.exists() else []
    assert [note for note in notes if note.startswith("outside")] == []


def test_a_defect_is_logged_once_and_the_connection_lives(served: Served) -> None:
    with httpx.Client(base_url=served.client.base_url, headers=HEADERS, trust_env=False) as client:
        for _ in range(3):
            response = client.get("/defect")
            assert response.status_code == 500
            assert response.json()["type"] == "/problems/internal"
            wait_for_log(served, f"The request {response.json()['request_id']} met a defect")
    text = served.log.read_text()
    n_defects = text.count(" met a defect")
    assert text.count("RuntimeError: secret of the house") == n_defects >= 3
    assert "Exception in ASGI application" not in text
