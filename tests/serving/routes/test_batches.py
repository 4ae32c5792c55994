"""Batches that take too long, and the model that requests with slow bodies get."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from serving.models import State, load_model
from serving.routes import predictions
from serving.worker import Worker
from tests.fake_bundle import VERSION, encode_image, solid_image, write_fake_bundle
from tests.serving.conftest import MakeClient

pytestmark = pytest.mark.unit

PNG = encode_image(solid_image("green", (12, 9)))
OTHER = "20260202-120000-0badcafe"
NEVER_REACHED = (
    "The 0.5 s that a batch may take were over before this image; send fewer images at a time."
)


class NeverFree:
    """Cores that others keep."""

    async def __aenter__(self) -> None:
        await anyio.sleep_forever()

    async def __aexit__(self, *error: object) -> None:
        pass


def send_batch(client: TestClient, number: int) -> dict[str, Any]:
    files = [("images", (f"{index}.png", PNG)) for index in range(number)]
    response = client.post("/predict_batch", files=files)
    assert response.status_code == 200, response.text
    body = response.json()
    assert isinstance(body, dict)
    assert [each["index"] for each in body["entries"]] == list(range(number))
    return body


def test_images_that_were_not_reached_in_time_are_problems(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "ANSWER_WITHIN_S", 0.5)
    worker: Worker = client.worker  # type: ignore[attr-defined]
    entry = worker.entry

    def slow(*arguments: Any) -> Any:
        time.sleep(0.2)
        return entry(*arguments)

    monkeypatch.setattr(worker, "entry", slow)
    started = time.monotonic()
    body = send_batch(client, 20)
    assert time.monotonic() - started < 3
    is_answered = [each["answer"] is not None for each in body["entries"]]
    n_answered = sum(is_answered)
    assert 1 <= n_answered <= 3
    assert is_answered == [True] * n_answered + [False] * (20 - n_answered)
    assert body["entries"][19]["problem"] == {
        "type": "/problems/not-reached",
        "title": "Image not reached in time",
        "status": 503,
        "detail": NEVER_REACHED,
        "request_id": f"{body['request_id']}-19",
    }


def test_a_batch_that_gets_no_core_is_answered_in_time(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "ANSWER_WITHIN_S", 0.5)
    start = predictions.PredictionRoutes.__init__

    def without_cores(routes: predictions.PredictionRoutes, worker: Worker) -> None:
        start(routes, worker)
        monkeypatch.setattr(routes, "_limiter", NeverFree())

    monkeypatch.setattr(predictions.PredictionRoutes, "__init__", without_cores)
    body = send_batch(make_client(), 3)
    assert [each["problem"]["detail"] for each in body["entries"]] == [NEVER_REACHED] * 3


def test_the_limit_of_a_batch_is_below_bentomls() -> None:
    assert predictions.ANSWER_WITHIN_S == 45.0


@pytest.mark.parametrize("path", ["/predict", "/predict_batch", "/explain"])
def test_a_model_that_comes_while_a_body_does_answers_it(
    make_client: MakeClient,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    client = make_client()
    worker: Worker = client.worker  # type: ignore[attr-defined]
    write_fake_bundle(tmp_path / "other", version=OTHER)
    newer = State(load_model(tmp_path / "other"))
    read_form: Callable[..., Any] = predictions.read_form

    async def read_slowly(*arguments: Any, **options: Any) -> Any:
        form = await read_form(*arguments, **options)
        worker.host.state = newer
        return form

    monkeypatch.setattr(predictions, "read_form", read_slowly)
    field = "images" if path == "/predict_batch" else "image"
    assert client.get("/model").json()["version"] == VERSION
    response = client.post(path, files={field: ("a.png", PNG)})
    assert response.status_code == 200, response.text
    given = response.headers.get("x-model-version") or response.text
    assert OTHER in given
    assert VERSION not in given
