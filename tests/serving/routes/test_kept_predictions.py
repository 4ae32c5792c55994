"""What is kept of predictions, as the interface gives it back, and feedback on it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from tests.serving.conftest import MakeClient
from tests.serving.routes.test_predictions import PNG, detail_of, post

pytestmark = pytest.mark.unit


class TestLog:
    """What is kept, and feedback on it."""

    def stored(self, client: TestClient, request_id: str) -> Response:
        deadline = time.monotonic() + 20
        while True:
            response = client.get(f"/predictions/{request_id}")
            if response.status_code == 200 or time.monotonic() > deadline:
                return response
            time.sleep(0.02)

    def test_a_prediction_can_be_looked_up(self, client: TestClient) -> None:
        answer = post(client).json()
        body = self.stored(client, answer["request_id"]).json()
        assert body["request_id"] == answer["request_id"]
        assert body["model"] == answer["model"]
        assert body["prediction"]["label"] == "green"
        for label, probability in answer["probabilities"].items():
            assert body["probabilities"][label] == pytest.approx(probability, abs=1e-7)
        assert body["feedback"] == []

    def test_db08_feedback_is_kept_verbatim(self, client: TestClient) -> None:
        request_id = post(client).json()["request_id"]
        hostile = "'; DROP TABLE predictions; --"
        response = client.post(
            "/feedback", json={"request_id": request_id, "labels": [hostile], "who": hostile}
        )
        assert response.status_code == 202
        assert response.json()["warnings"][0].startswith("Not every label is a class")
        deadline = time.monotonic() + 20
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < deadline:
            found = self.stored(client, request_id).json()["feedback"]
            time.sleep(0.02)
        assert [(each["labels"], each["who"]) for each in found] == [([hostile], hostile)]

    @pytest.mark.parametrize("name", ["unknown-0123456789", "short", "a" * 73, "a%00bcdefghi"])
    def test_an_unknown_prediction(self, client: TestClient, name: str) -> None:
        deadline = time.monotonic() + 20
        while (response := client.get(f"/predictions/{name}")).status_code == 503:
            # The database is being made.
            assert time.monotonic() < deadline
            time.sleep(0.02)
        detail_of(response, 404, "not-found")

    @pytest.mark.parametrize(
        ("body", "status", "name"),
        [
            ('{"request_id": "0123456789"', 400, "bad-request"),
            ('{"request_id": "0123456789", "labels": []}', 422, "bad-value"),
            ('{"request_id": "0123456789", "labels": ["a\\u0000"]}', 422, "bad-value"),
            ('{"request_id": "0123456789", "labels": ["a"], "colour": "red"}', 422, "bad-value"),
            ('{"request_id": "no", "labels": ["a"]}', 422, "bad-value"),
        ],
    )
    def test_feedback_that_is_none(
        self, client: TestClient, body: str, status: int, name: str
    ) -> None:
        headers = {"content-type": "application/json"}
        detail_of(client.post("/feedback", content=body, headers=headers), status, name)

    def test_without_a_log_feedback_is_refused(self, make_client: MakeClient) -> None:
        client = make_client(log="off")
        assert post(client).status_code == 200
        given = {"request_id": "0123456789", "labels": ["red"]}
        said = "The prediction log is switched off (VISIONSTACK_LOG=off): nothing is kept or found."
        refused = client.post("/feedback", json=given)
        assert detail_of(refused, 404, "log-off") == said
        assert "retry-after" not in refused.headers
        assert detail_of(client.get("/predictions/0123456789"), 404, "log-off") == said

    def test_the_id_of_a_batch_is_answered_with_the_ids_of_its_images(
        self, client: TestClient
    ) -> None:
        batch = client.post("/predict_batch", files=[("images", ("a.png", PNG))]).json()
        assert self.stored(client, f"{batch['request_id']}-0").status_code == 200
        deadline = time.monotonic() + 20
        while (response := client.get(f"/predictions/{batch['request_id']}")).status_code == 503:
            # The database is being made.
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert detail_of(response, 404, "not-found") == (
            "There is no such prediction; one of this moment may take a second to appear, and "
            "those of a batch have the id of its answer with -0, -1 and so on behind it."
        )

    def test_a_log_that_is_full_says_when_to_ask_again(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = client.worker  # type: ignore[attr-defined]
        monkeypatch.setattr(worker.log, "put", lambda record: False)
        given = {"request_id": "0123456789", "labels": ["red"]}
        response = client.post("/feedback", json=given)
        assert detail_of(response, 503, "no-log").startswith("Feedback cannot be kept now")
        assert response.headers["retry-after"] == "5"

    def test_a_log_that_is_required_and_full_is_a_503(
        self, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = make_client(log="required")
        worker = client.worker  # type: ignore[attr-defined]
        assert post(client).status_code == 200
        monkeypatch.setattr(worker.log, "put", lambda record: False)
        detail_of(post(client), 503, "no-log")
