"""Tests of serving/openapi.py."""

import json
import re

from starlette.testclient import TestClient

from serving.openapi import describe_service
from serving.upload import UploadLimits


def test_the_document_lists_every_path_and_problem() -> None:
    document = describe_service(UploadLimits())
    assert list(document["paths"]) == ["/predict", "/model", "/livez", "/readyz"]
    responses = document["paths"]["/predict"]["post"]["responses"]
    assert list(responses) == ["200", "400", "408", "413", "415", "422", "503"]
    form = document["paths"]["/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["required"] == ["image"]
    assert "20,971,520 bytes" in form["schema"]["properties"]["image"]["description"]


def test_every_reference_leads_somewhere() -> None:
    document = describe_service(UploadLimits())
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names == set(document["components"]["schemas"])
    assert {"Answer", "Problem", "ModelSummary", "Readiness"} <= names


def test_the_service_serves_it_under_both_names(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert client.get("/docs.json").json() == document


def test_answers_have_the_documented_keys(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    problem = client.get("/nothing").json()
    assert set(schemas["Problem"]["required"]) == set(problem)
    assert set(schemas["ModelSummary"]["required"]) == set(client.get("/model").json())
