"""Tests of serving/upload.py: forms that are wrong, too large, too slow or dangerous."""

import asyncio
import socket
import tempfile
from collections.abc import Iterator

import pytest
from httpx import Response
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

from serving.models.host import ModelHost
from serving.problems import ProblemError
from serving.upload import UploadLimits, read_image
from tests.fake_bundle import encode_image, solid_image
from tests.serving.conftest import MakeClient
from tests.serving.test_routes import check_problem
from vision.images.types import ImageLimits

PNG = encode_image(solid_image("blue"))
SMALL = UploadLimits(ImageLimits(max_bytes=50_000), body_s=0.2)


def form(body: bytes) -> bytes:
    """One part with the given header lines and content."""
    return b"--b\r\n" + body + b"\r\n--b--\r\n"


def post_raw(
    client: TestClient, body: bytes, kind: str = "multipart/form-data; boundary=b"
) -> Response:
    return client.post("/predict", content=body, headers={"content-type": kind})


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.png",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/x.png",
    ],
)
def test_urls_are_not_fetched(
    client: TestClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError(f"connection to {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    body = form(b'Content-Disposition: form-data; name="image"\r\n\r\n' + url.encode())
    detail = check_problem(post_raw(client, body), 400, "bad-request")
    assert "URLs are not fetched" in detail
    assert url not in detail


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        ([("other", ("a.png", PNG))], "it must have one file in the field 'image'"),
        ([("image", ("a.png", PNG)), ("image", ("b.png", PNG))], "Maximum number of files is 1"),
        ([("image", ("a.png", PNG)), ("note", (None, b"x"))], "The form has 2 fields"),
        ([(f"f{number}", (None, b"x")) for number in range(3)], "Too many fields"),
        ([("image", (None, b"x" * 2000))], "Part exceeded maximum size"),
    ],
    ids=["other", "twice", "extra", "many", "long text"],
)
def test_the_form_has_one_file_and_nothing_else(
    client: TestClient, files: list[tuple[str, tuple[str | None, bytes]]], detail: str
) -> None:
    response = client.post("/predict", files=files)
    assert detail in check_problem(response, 400, "bad-request")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data; boundary=b"),
        (b"nonsense", "multipart/form-data; boundary=b"),
        (
            form(b'Content-Disposition: form-data; name="image"')[:-9],
            "multipart/form-data; boundary=b",
        ),
        (form(b"Content-Type: image/png\r\n\r\nx"), "multipart/form-data; boundary=b"),
        (form(b"x"), "multipart/form-data"),
        (form(b"x"), "multipart/form-data; boundary="),
        (form(b"x"), "multipart/form-data; boundary=b; charset=nonsense"),
        (b"\0" * 100, "multipart/form-data; boundary=b"),
    ],
)
def test_broken_forms(
    client: TestClient, body: bytes, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_problem(post_raw(client, body, kind), 400, "bad-request")
    # ZenML, once imported, lets the HTTP client log at this level too.
    assert [record for record in caplog.records if record.name != "httpx"] == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "image/png",
        "",
        "application/vnd.bentoml+pickle",
        "text/plain",
        "multipart",
    ],
)
def test_other_content_types(client: TestClient, kind: str) -> None:
    detail = check_problem(post_raw(client, PNG, kind), 415, "not-multipart")
    assert "`curl -F image=@one.png`" in detail


def test_a_declared_length_above_the_limit(make_client: MakeClient, ready_host: ModelHost) -> None:
    client = make_client(ready_host, SMALL)
    response = client.post("/predict", files={"image": ("a.png", b"x" * 70_000)})
    assert "66,384 bytes at most" in check_problem(response, 413, "body-too-large")
    assert response.headers["connection"] == "close"


def test_a_long_body_is_cut_at_the_limit(make_client: MakeClient, ready_host: ModelHost) -> None:
    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(1000):
            yield b"x" * 10_000

    client = make_client(ready_host, SMALL)
    headers = {"content-type": "multipart/form-data; boundary=b", "transfer-encoding": "chunked"}
    response = client.post("/predict", content=body(), headers=headers)
    check_problem(response, 413, "body-too-large")


def request(messages: list[Message], headers: dict[str, str]) -> tuple[Request, list[Message]]:
    """A request whose body is ``messages`` and then never ends, and what was not read of it."""
    left = list(messages)

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive), left


def test_no_more_than_the_limit_is_read() -> None:
    chunk: Message = {"type": "http.request", "body": b"x" * 10_000, "more_body": True}
    asked, left = request([chunk] * 50, {"content-type": "multipart/form-data; boundary=b"})
    with pytest.raises(ProblemError):
        asyncio.run(read_image(asked, SMALL))
    assert (50 - len(left)) * 10_000 <= SMALL.max_body_bytes + 64 * 1024


def test_a_slow_body_ends_in_time() -> None:
    start: Message = {"type": "http.request", "body": b"--b\r\n", "more_body": True}
    asked, _ = request([start], {"content-type": "multipart/form-data; boundary=b"})
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_image(asked, SMALL))
    assert caught.value.kind.status == 408
    assert "within 0.2 s" in caught.value.detail


def test_a_client_that_goes_away_is_no_defect() -> None:
    gone: Message = {"type": "http.disconnect"}
    asked, _ = request([gone], {"content-type": "multipart/form-data; boundary=b"})
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_image(asked, SMALL))
    assert caught.value.detail == "The client went away."


def test_large_files_stay_in_memory(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a file was written")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    data = b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000
    response = client.post("/predict", files={"image": ("a", data)})
    assert response.status_code == 422
