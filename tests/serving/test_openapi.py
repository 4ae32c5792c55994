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
        "200", "400", "401", "408", "413", "415", "422", "429", "503",
    ]  # fmt: skip
    form = predict["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["image"]
    assert set(form["properties"]) == {"image", "top_k", "explain", "format"}
    assert "20,971,520 bytes" in form["properties"]["image"]["description"]


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
