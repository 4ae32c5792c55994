"""The OpenAPI document: complete, and true of what the service answers."""

from __future__ import annotations

import json
import re

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.openapi import describe_service
from serving.routes import routes_app
from serving.settings import ServiceSettings
from serving.worker import Worker

pytestmark = pytest.mark.unit

# Other names of the same, and what is for people.
UNLISTED = {"/", "/ui", "/healthz", "/openapi.json", "/docs.json"}


def test_every_route_is_described() -> None:
    document = describe_service(ServiceSettings())
    routes = routes_app(Worker(ServiceSettings())).routes
    served = {
        (each.path, method.lower())
        for each in routes
        if isinstance(each, Route) and each.path not in UNLISTED
        for method in (each.methods or set()) - {"HEAD"}
    }
    described = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert described == served


def test_problems_and_limits_are_described() -> None:
    predict = describe_service(ServiceSettings())["paths"]["/predict"]["post"]
    assert list(predict["responses"]) == [
        "200", "400", "401", "403", "408", "413", "415", "422", "429", "503",
    ]  # fmt: skip
    form = predict["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["image"]
    assert set(form["properties"]) == {"image", "top_k", "explain", "format"}
    assert "20,971,520 bytes" in form["properties"]["image"]["description"]


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/model", "put", "200 400 401 403 404 408 409 413 415 422 429 503"),
        ("/model/rollback", "post", "200 400 401 403 404 409 422 429 503"),
        ("/model/candidate", "put", "200 400 401 403 404 408 409 413 415 422 429 503"),
        ("/model/candidate", "delete", "200 401 403 409 429 503"),
        ("/feedback", "post", "202 400 401 403 404 408 413 415 422 429 503"),
        ("/predictions/{request_id}", "get", "200 401 404 429 503"),
        ("/predictions/{request_id}/image", "get", "200 401 404 429 503"),
        ("/models", "get", "200 401 429"),
    ],
)
def test_what_is_refused_is_described(path: str, method: str, statuses: str) -> None:
    operation = describe_service(ServiceSettings())["paths"][path][method]
    assert list(operation["responses"]) == statuses.split()


def test_a_page_of_another_site_is_refused_where_something_is_sent() -> None:
    paths = describe_service(ServiceSettings())["paths"]
    refusing = {
        (path, method)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if "403" in operation["responses"]
    }
    assert refusing == {
        (path, method) for path, methods in paths.items() for method in methods if method != "get"
    }
    assert len(refusing) == 8


def test_the_admin_key_is_a_key_of_its_own() -> None:
    document = describe_service(ServiceSettings())
    schemes = document["components"]["securitySchemes"]
    assert set(schemes) == {"bearer", "header", "admin-bearer", "admin-header"}
    assert schemes["admin-bearer"]["description"] == "A key of VISIONSTACK_ADMIN_KEY."
    admin = [{}, {"admin-bearer": []}, {"admin-header": []}]
    asking = [
        (path, method)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == admin
    ]
    assert asking == [
        ("/model", "put"),
        ("/model/rollback", "post"),
        ("/model/candidate", "put"),
        ("/model/candidate", "delete"),
    ]


def test_every_reference_leads_somewhere() -> None:
    document = describe_service(ServiceSettings())
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names == set(document["components"]["schemas"])
    assert {"Answer", "Problem", "ModelSummary", "FeedbackForm"} <= names


def test_the_service_serves_it_under_both_names(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert client.get("/docs.json").json() == document


def test_answers_have_the_documented_keys(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    problem = client.get("/nothing").json()
    assert set(schemas["Problem"]["required"]) == set(problem)
    assert set(schemas["ModelSummary"]["properties"]) == set(client.get("/model").json())
    assert set(schemas["DriftReport"]["properties"]) == set(client.get("/drift").json())
