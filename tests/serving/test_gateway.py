"""Tests of serving/gateway.py."""

import pytest
from starlette.testclient import TestClient

from serving.models.host import ModelHost
from tests.fake_bundle import encode_image, solid_image
from tests.serving.conftest import MakeClient


@pytest.mark.parametrize("path", ["/metrics", "/schema.json"])
def test_bentoml_answers_what_only_it_knows(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.text == "bentoml"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/livez", "/nothing", "/predict", "/model"])
def test_every_response_has_an_id_and_forbids_sniffing(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_safe_id_is_kept(client: TestClient) -> None:
    asked = "trace-0123.abc_DEF"
    response = client.get("/livez", headers={"X-Request-ID": asked})
    assert response.headers["x-request-id"] == asked


@pytest.mark.parametrize(
    "asked", ["short", "x" * 65, "with space here", "<script>12345", "a/b/c/d/e"]
)
def test_an_unsafe_id_is_replaced(client: TestClient, asked: str) -> None:
    response = client.get("/nothing", headers={"X-Request-ID": asked})
    assert len(response.headers["x-request-id"]) == 32
    assert asked not in response.text


def test_ids_differ(client: TestClient) -> None:
    ids = {client.get("/livez").headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


def test_a_body_that_nobody_reads_ends_the_connection(
    make_client: MakeClient, client: TestClient
) -> None:
    files = {"image": ("a.png", encode_image(solid_image("red")))}
    assert make_client(ModelHost()).post("/predict", files=files).headers["connection"] == "close"
    assert client.post("/nothing", files=files).headers["connection"] == "close"
    assert "connection" not in client.post("/predict", files=files).headers
    assert "connection" not in client.get("/livez").headers
