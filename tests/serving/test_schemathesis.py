"""What schemathesis makes of the OpenAPI document, sent to the whole service in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from tests.fake_bundle import write_fake_bundle
from tests.serving.whole_app import whole_app

pytestmark = pytest.mark.security

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CASES_PER_OPERATION = 60
SOAK_CASES_PER_OPERATION = 400


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("schemathesis")
    write_fake_bundle(folder / "bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONSTACK_HOME", str(folder / "home"))
        with whole_app(folder / "bundle", require_keys="no") as client:
            yield client


@pytest.fixture(scope="module")
def document(service: TestClient) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", service.app)


def send(case: Case) -> int:
    """Sends a case, checks what every answer has, and returns its status."""
    response: Response = case.call()
    case.validate_response(response, checks=CHECKS)
    headers = response.headers
    assert headers["x-content-type-options"] == ["nosniff"]
    assert len(headers["x-request-id"]) == 1
    if response.status_code >= 400:
        assert headers["content-type"] == ["application/problem+json"]
        body = response.json()
        assert body["request_id"] == headers["x-request-id"][0]
    return response.status_code


def send_cases(document: schemathesis.BaseSchema, number: int, **options: Any) -> Counter[int]:
    """Sends ``number`` cases of each operation of the document; returns the statuses."""
    statuses: Counter[int] = Counter()

    def send_and_count(case: Case) -> None:
        statuses[send(case)] += 1

    for found in document.get_all_operations():
        run = given(case=found.ok().as_strategy())(send_and_count)
        settings(
            max_examples=number,
            database=None,
            suppress_health_check=list(HealthCheck),
            **options,
        )(run)()
    return statuses


def test_in03_no_case_of_the_document_is_an_error_of_the_service(
    document: schemathesis.BaseSchema,
) -> None:
    phases = [Phase.explicit, Phase.generate]
    statuses = send_cases(document, CASES_PER_OPERATION, derandomize=True, phases=phases)
    # Neither are all cases refused nor all taken.
    assert statuses[200] > 20
    assert statuses[400] + statuses[415] + statuses[422] > 50
    assert max(statuses) < 500


@pytest.mark.soak
def test_in03_two_thousand_cases_and_flat_memory(document: schemathesis.BaseSchema) -> None:
    process = psutil.Process()
    send_cases(document, SOAK_CASES_PER_OPERATION)
    before = process.memory_info().rss
    assert send_cases(document, SOAK_CASES_PER_OPERATION).total() >= 2_000
    assert process.memory_info().rss <= before * 1.05
