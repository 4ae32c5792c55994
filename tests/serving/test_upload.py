"""Tests of serving/upload.py and parts.py: bodies that are wrong, too large or too slow."""

from __future__ import annotations

import asyncio
import json
import tempfile
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Response
from starlette.requests import Request
from starlette.types import Message

from serving.problems import ProblemError
from serving.settings import ServiceSettings
from serving.upload import MAX_JSON_BYTES, Form, UploadLimits, read_form, read_json
from tests.serving.access.door import make_door
from tests.serving.access.door_routes import Note
from vision.images.types import ImageLimits

SMALL = UploadLimits(
    ImageLimits(max_bytes=50_000), body_s=0.2, max_batch_bytes=200_000, max_batch_images=3
)
MULTIPART = "multipart/form-data; boundary=b"
CLIENT = make_door(max_bytes=50_000, max_batch_bytes=200_000, max_batch_images=3).client


def form(*parts: bytes) -> bytes:
    """Parts with the given header lines and content."""
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def file(content: bytes, name: bytes = b"image") -> bytes:
    return b'Content-Disposition: form-data; name="%s"; filename="a"\r\n\r\n%s' % (name, content)


def text(value: bytes, name: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (name, value)


def post(body: Any, kind: str = MULTIPART, path: str = "/predict") -> Response:
    return CLIENT.post(path, content=body, headers={"content-type": kind})


def detail(response: Response, status: int, name: str) -> str:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["type"] == f"/problems/{name}"
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["detail"])


# Forms that are read.


def test_one_image_and_options() -> None:
    response = post(form(text(b"3", b"top_k"), file(b"12345"), text("ü".encode(), b"explain")))
    assert response.json()["sizes"] == [5]
    assert response.json()["options"] == {"top_k": "3", "explain": "ü"}


def test_many_images_in_order() -> None:
    body = form(*(file(b"x" * size, b"images") for size in (3, 0, 60_000)))
    assert post(body, path="/predict_batch").json()["sizes"] == [3, 0, 60_000]


@pytest.mark.parametrize("kind", ["Multipart/Form-Data; boundary=b", f"{MULTIPART}; charset=utf-8"])
def test_in04_the_type_of_the_form_may_be_written_differently(kind: str) -> None:
    assert post(form(file(b"x")), kind).status_code == 200


def test_what_is_read_is_exactly_what_was_sent() -> None:
    content = bytes(range(256)) * 100

    body = form(file(content), text(b"1", b"top_k"))
    asked, _ = request(MULTIPART, [body[start : start + 999] for start in range(0, len(body), 999)])
    found = asyncio.run(read_form(asked, SMALL, options=frozenset({"top_k"})))
    assert found == Form((content,), {"top_k": "1"})
    assert str(content) not in repr(found)


def test_the_settings_are_the_limits() -> None:
    settings = ServiceSettings(
        max_bytes=1, max_pixels=2, max_aspect=3, body_timeout_s=4, max_batch_bytes=5,
        max_batch_images=6,
    )  # fmt: skip
    assert UploadLimits.of(settings) == UploadLimits(ImageLimits(2, 1, 3.0), 4.0, 5, 6)
    assert UploadLimits.of(ServiceSettings()).max_body_bytes == 20 * 1024 * 1024 + 16_384


# Forms that are refused.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.png",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://[::ffff:127.0.0.1]/x.png",
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/predict_batch"])
def test_in13_text_in_the_place_of_a_file_is_refused(url: str, path: str) -> None:
    field = b"image" if path == "/predict" else b"images"
    said = detail(post(form(text(url.encode(), field)), path=path), 400, "bad-request")
    assert "URLs are not fetched" in said
    assert url not in said


@pytest.mark.parametrize(
    ("path", "parts", "fault"),
    [
        ("/predict", [], "fewer than 1 file in the field 'image'"),
        ("/predict", [text(b"3", b"top_k")], "fewer than 1 file in the field 'image'"),
        ("/predict", [file(b"x"), file(b"y")], "more than 1 file in the field 'image'"),
        ("/predict", [file(b"x", b"images")], "it has another field"),
        ("/predict", [file(b"x"), text(b"y", b"note")], "it has another field"),
        ("/predict", [file(b"x"), file(b"3", b"top_k")], "it has another field"),
        ("/predict", [file(b"x"), *[text(b"1", b"top_k")] * 2], "the option 'top_k' comes twice"),
        ("/predict", [file(b"x"), text(b"1" * 101, b"top_k")], "the option 'top_k' is too long"),
        ("/predict", [file(b"x"), text(b"\xff", b"top_k")], "an option is not text in UTF-8"),
        ("/predict_batch", [], "fewer than 1 file in the field 'images'"),
        ("/predict_batch", [file(b"x", b"images")] * 4, "more than 3 files in the field 'images'"),
        ("/predict_batch", [file(b"x")], "it has another field"),
    ],
)
def test_in14_what_the_form_may_not_hold(path: str, parts: list[bytes], fault: str) -> None:
    said = detail(post(form(*parts), path=path), 400, "bad-request")
    assert fault in said
    field = "image" if path == "/predict" else "images"
    assert f"as `curl -F {field}=@one.png` sends it" in said
    assert "note" not in said


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", MULTIPART),
        (b"nonsense", MULTIPART),
        (form(file(b"x"))[:-6], MULTIPART),
        (b"\0" * 100, MULTIPART),
        (form(file(b"x")), "multipart/form-data"),
        (form(file(b"x")), "multipart/form-data; boundary="),
        (form(file(b"x")), "multipart/form-data; boundary=other"),
    ],
)
def test_in14_broken_forms(body: bytes, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    assert detail(post(body, kind), 400, "bad-request").startswith("The form is broken: ")
    # ZenML, once imported, lets the HTTP client log at this level too.
    assert [record for record in caplog.records if record.name != "httpx"] == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "image/png",
        "",
        "application/vnd.bentoml+pickle",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=b",
        "multipart",
    ],
)
def test_in14_other_content_types(kind: str) -> None:
    said = detail(post(form(file(b"x")), kind), 415, "not-multipart")
    assert "as `curl -F image=@one.png` sends it" in said


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_in09_compressed_bodies_are_not_unpacked(encoding: str) -> None:
    headers = {"content-type": MULTIPART, "content-encoding": encoding}
    response = CLIENT.post("/predict", content=form(file(b"x")), headers=headers)
    assert "not compressed" in detail(response, 415, "not-multipart")


# Sizes and times.


def test_in10_a_declared_length_above_the_limit() -> None:
    response = post(form(file(b"x" * 70_000)))
    assert "66,384 bytes at most" in detail(response, 413, "body-too-large")
    assert response.headers["connection"] == "close"
    response = post(form(file(b"x" * 220_000, b"images")), path="/predict_batch")
    assert "216,384 bytes at most" in detail(response, 413, "body-too-large")


def test_in10_a_body_of_unknown_length_is_cut_at_the_limit() -> None:
    def body() -> Iterator[bytes]:
        yield b"--b\r\n" + file(b"")
        for _ in range(1000):
            yield b"x" * 10_000

    assert "66,384 bytes" in detail(post(body()), 413, "body-too-large")


def request(kind: str, bodies: list[bytes], ends: bool = True) -> tuple[Request, list[bytes]]:
    """A request whose body comes in the given pieces, and what was not read of it."""
    left = list(bodies)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left) or not ends}

    headers = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive), left


@pytest.mark.parametrize(
    ("files", "limit"), [(1, SMALL.max_body_bytes), ((1, 3), SMALL.max_batch_body_bytes)]
)
def test_in10_no_more_than_the_limit_is_read(files: int | tuple[int, int], limit: int) -> None:
    field = b"image" if files == 1 else b"images"
    pieces = [b"--b\r\n" + file(b"", field), *[b"x" * 65_536] * 50]
    asked, left = request(MULTIPART, pieces)
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_form(asked, SMALL, files=files))
    assert caught.value.kind.status == 413
    assert (50 - len(left)) * 65_536 <= limit + 65_536


def test_in10_ten_thousand_parts_end_with_the_first_too_many() -> None:
    one = b"--b\r\n" + file(b"x", b"images") + b"\r\n"
    asked, left = request(MULTIPART, [one] * 10_000)
    with pytest.raises(ProblemError):
        asyncio.run(read_form(asked, SMALL, files=(1, 3)))
    assert len(left) == 10_000 - 4


def test_in10_a_gigabyte_leaves_memory_flat() -> None:
    """The pieces are one object, so what grows is what the reader keeps."""
    limits = UploadLimits(ImageLimits(max_bytes=1_000_000), max_batch_bytes=1_000_000)
    piece = b"x" * 65_536
    n_read = 0

    async def receive() -> Message:
        nonlocal n_read
        n_read += 1
        body = b"--b\r\n" + file(b"") if n_read == 1 else piece
        return {"type": "http.request", "body": body, "more_body": n_read < 16_384}

    headers = [(b"content-type", MULTIPART.encode())]
    asked = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    tracemalloc.start()
    try:
        with pytest.raises(ProblemError) as caught:
            asyncio.run(read_form(asked, limits))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind.status == 413
    assert (n_read - 1) * 65_536 <= limits.max_body_bytes + 65_536
    assert peak < 3_000_000


def test_in10_a_slow_body_ends_in_time() -> None:
    for kind, bodies in ((MULTIPART, [b"--b\r\n"]), ("application/json", [b'{"text":'])):
        asked, _ = request(kind, bodies, ends=False)
        reading = read_form(asked, SMALL) if kind == MULTIPART else read_json(asked, Note, SMALL)
        with pytest.raises(ProblemError) as caught:
            asyncio.run(reading)  # type: ignore[arg-type]
        assert caught.value.kind.status == 408
        assert "within 0.2 s" in caught.value.detail


def test_a_client_that_goes_away_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [(b"content-type", MULTIPART.encode())]
    asked = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(ProblemError) as caught:
        asyncio.run(read_form(asked, SMALL))
    assert caught.value.detail == "The client went away."
    assert caplog.records == []


def test_large_files_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a file was written")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    client = make_door().client
    response = client.post("/predict", files={"image": ("a", b"x" * 3_000_000)})
    assert response.json()["sizes"] == [3_000_000]


# JSON.


def post_json(body: bytes, kind: str = "application/json") -> Response:
    return post(body, kind, "/feedback")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_is_read(kind: str) -> None:
    response = post_json('{"text": "ü\\n", "number": 3}'.encode(), kind)
    assert response.json()["options"] == {"text": "ü\n", "number": 3}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"text": "\xff"}',
        b'{"text": "\\ud800"}',
        b'{"text": "a"} x',
        "\ufeff{}".encode(),
        '{"text": "a"}'.encode("utf-16"),
        b"[" * 60_000,
        b'{"text":' * 5_000,
        b"\0",
    ],
)
def test_in14_what_is_no_json(body: bytes) -> None:
    assert detail(post_json(body), 400, "bad-request") == "The body is not JSON in UTF-8."


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "text: field required"),
        ({"text": 1}, "text: input should be a valid string"),
        ({"text": "a", "number": "<script>"}, "number: input should be a valid integer"),
        ({"text": "a", "<script>": 1}, "a field is not known"),
        ([], "it must be an object"),
        (None, "it must be an object"),
        ("<script>", "it must be an object"),
        (float("nan"), "it must be an object"),
    ],
)
def test_in14_json_with_wrong_values(document: object, fault: str) -> None:
    response = post_json(json.dumps(document).encode())
    assert fault in detail(response, 422, "bad-value")
    assert "script" not in response.text


@pytest.mark.parametrize("kind", ["text/plain", "", MULTIPART, "application/x-ndjson"])
def test_in14_json_under_another_type(kind: str) -> None:
    assert "must be application/json" in detail(post_json(b"{}", kind), 415, "not-multipart")


def test_in10_json_is_limited() -> None:
    body = json.dumps({"text": "x" * MAX_JSON_BYTES}).encode()
    assert "65,536 bytes at most" in detail(post_json(body), 413, "body-too-large")
