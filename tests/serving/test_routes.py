"""Every path and status of the service, in one process."""

import struct
import time
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from httpx import Response
from starlette.testclient import TestClient

from serving.models import State
from serving.worker import Worker
from tests.fake_bundle import (
    CLASSES,
    NAME,
    VERSION,
    encode_image,
    expected_probabilities,
    solid_image,
)
from tests.serving.conftest import MakeClient, client_of

PROBLEM = "application/problem+json"
PNG = encode_image(solid_image("green", (12, 9)))


def post(client: TestClient, data: bytes, name: str = "a.png", kind: str = "image/png") -> Response:
    return client.post("/predict", files={"image": (name, data, kind)})


def check_problem(response: Response, status: int, name: str) -> str:
    """Checks the shape that every error has, and returns its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert list(body) == ["type", "title", "status", "detail", "request_id"]
    assert body["type"] == f"/problems/{name}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    detail = body["detail"]
    assert isinstance(detail, str)
    return detail


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header asks for more pixels than are allowed."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + checked + b"\0" * 100


@pytest.mark.parametrize("label", CLASSES)
def test_an_image_gets_its_class(client: TestClient, label: str) -> None:
    image = solid_image(label, (40, 50))
    response = post(client, encode_image(image))
    assert response.status_code == 200
    body = response.json()
    assert uuid.UUID(hex=body["request_id"]).version == 4
    assert body["model"] == {"name": NAME, "version": VERSION}
    assert body["prediction"]["label"] == label
    assert list(body["probabilities"]) == list(CLASSES)
    expected = expected_probabilities(image)
    np.testing.assert_allclose(list(body["probabilities"].values()), expected, atol=1e-6)
    assert body["prediction"]["probability"] == max(body["probabilities"].values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "image/jpeg"),
        ("no-suffix", "application/octet-stream"),
        ("../../etc/passwd", "IMAGE/JPG"),
        ("x" * 300, "text/html"),
    ],
)
def test_names_and_declared_types_do_not_matter(client: TestClient, name: str, kind: str) -> None:
    response = post(client, PNG, name, kind)
    assert response.json()["prediction"]["label"] == "green"
    assert name not in response.text


@pytest.mark.parametrize(
    ("data", "status", "name", "detail"),
    [
        (b"", 422, "empty-image", "0 bytes"),
        (PNG[:-20], 422, "truncated-image", "ends too early"),
        (PNG[:50] + b"\xff" * 40 + PNG[90:], 422, "corrupt-image", ""),
        (b"<svg/>" * 20, 415, "unknown-format", "no JPEG, PNG, WebP, BMP or TIFF"),
        (b"GIF89a" + b"\x10\0\x10\0" * 20, 415, "unknown-format", "no JPEG"),
        (bomb(10_000, 10_000), 413, "image-too-large", "10000x10000 pixels"),
    ],
    ids=["empty", "truncated", "corrupt", "svg", "gif", "bomb"],
)
def test_what_is_no_usable_image_is_refused(
    client: TestClient, data: bytes, status: int, name: str, detail: str
) -> None:
    assert detail in check_problem(post(client, data), status, name)


def test_bytes_are_not_repeated(client: TestClient) -> None:
    response = post(client, b"<script>alert(1)</script>")
    check_problem(response, 415, "unknown-format")
    assert "script" not in response.text


def test_every_truncation_is_refused(client: TestClient) -> None:
    data = encode_image(solid_image("red", (20, 20)), ".jpg")
    statuses = {post(client, data[:end]).status_code for end in range(0, len(data) - 2, 7)}
    assert statuses <= {415, 422}


def test_random_bytes_never_break_the_service(client: TestClient) -> None:
    random = np.random.default_rng(0)
    for size in random.integers(0, 400, 200):
        response = post(client, random.bytes(int(size)))
        assert response.status_code in (413, 415, 422)


def test_the_model_is_described(client: TestClient) -> None:
    body = client.get("/model").json()
    assert body["name"] == NAME
    assert body["classes"] == list(CLASSES)
    assert body["input_size"] == [8, 8]
    assert body["metrics"] == {"accuracy": 1.0}
    assert "files" not in body


def test_a_ready_service_says_which_model(client: TestClient) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    model = {"name": NAME, "version": VERSION}
    assert response.json() == {"status": "ready", "model": model, "detail": ""}


def test_the_index_links_to_everything(client: TestClient) -> None:
    links = client.get("/").json()["links"]
    assert links["predict"] == "/predict"
    for path in set(links.values()) - {"/predict"}:
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("path", ["/nothing", "/predict/", "/docs", "/../service.py"])
def test_unknown_paths(client: TestClient, path: str) -> None:
    check_problem(client.get(path), 404, "not-found")


def test_other_methods(client: TestClient) -> None:
    response = client.get("/predict")
    check_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


def test_without_a_model_only_life_is_shown(client: TestClient) -> None:
    worker = client.worker  # type: ignore[attr-defined]
    worker.host.state = State(None, "there is no model to serve yet; run `make demo`")
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/").json()["model"] is None
    for response in (client.get("/readyz"), client.get("/model"), post(client, PNG)):
        assert "run `make demo`" in check_problem(response, 503, "no-model")
        assert response.headers["retry-after"] == "2"


def test_a_changed_bundle_is_not_ready_and_the_file_is_named(
    make_worker: Callable[..., Worker], bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bundle / "labels.json").write_text("[]")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    worker = make_worker()
    client = client_of(worker)
    worker.host.start()
    deadline = time.monotonic() + 20
    while "labels.json" not in worker.host.state.detail and time.monotonic() < deadline:
        time.sleep(0.01)
    detail = check_problem(client.get("/readyz"), 503, "no-model")
    worker.host.stop()
    assert "labels.json was changed: expected" in detail


def test_limits_are_settings(make_client: MakeClient) -> None:
    client = make_client(max_pixels=100, max_bytes=10_000, max_aspect=20)
    narrow = encode_image(solid_image("red", (1, 21)))
    assert "at most 20 times" in check_problem(post(client, narrow), 413, "image-too-large")
    large = encode_image(solid_image("red", (11, 10)))
    assert "at most 100 are" in check_problem(post(client, large), 413, "image-too-large")
    assert post(client, encode_image(solid_image("red", (10, 10)))).status_code == 200


def test_a_defect_is_a_problem_without_its_text(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("serving.worker.predict_image", fail)
    response = post(client, PNG)
    check_problem(response, 500, "internal")
    assert "secret" not in response.text
