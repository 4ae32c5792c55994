"""Batches that take too long, and the model that requests with slow bodies get."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
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
    "The {:g} s that a batch may take were over before this image; send fewer images at a time."
)


class NeverFree:
    """Cores that others keep."""

    async def __aenter__(self) -> None:
        await anyio.sleep_forever()

    async def __aexit__(self, *error: object) -> None:
        pass


def pass_time(seconds: float) -> None:
    """Puts the clock of the event loop, which ends with the request, forward."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]


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
    worker: Worker = client.worker  # type: ignore[attr-defined]
    entry = worker.entry

    def slow(*arguments: Any) -> Any:
        if arguments[-1] == 2:  # the third is under way when the time is over
            anyio.from_thread.run_sync(pass_time, predictions.ANSWER_WITHIN_S)
        return entry(*arguments)

    monkeypatch.setattr(worker, "entry", slow)
    body = send_batch(client, 20)
    is_answered = [each["answer"] is not None for each in body["entries"]]
    assert is_answered == [True] * 3 + [False] * 17
    assert body["entries"][19]["problem"] == {
        "type": "/problems/not-reached",
        "title": "Image not reached in time",
        "status": 503,
        "detail": NEVER_REACHED.format(45),
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
    assert [each["problem"]["detail"] for each in body["entries"]] == [
        NEVER_REACHED.format(0.5)
    ] * 3


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
