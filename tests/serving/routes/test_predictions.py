"""Predictions over the interface: options, batches and pictures."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
import pytest
from httpx import Response
from starlette.testclient import TestClient

from serving import predict
from serving.drift.verdict import Checked
from serving.schema import DriftVerdict
from tests.corpus import good_cases
from tests.fake_bundle import (
    CLASSES,
    NAME,
    VERSION,
    encode_image,
    expected_probabilities,
    solid_image,
)
from tests.serving.conftest import MakeClient

pytestmark = pytest.mark.unit

PNG = encode_image(solid_image("green", (12, 9)))
CORPUS = {case.name: case.data for case in good_cases()}


def post(client: TestClient, data: bytes = PNG, path: str = "/predict", **options: Any) -> Response:
    return client.post(path, files={"image": ("a.png", data)}, data=options)


def detail_of(response: Response, status: int, name: str) -> str:
    """Checks the form of a problem and returns its detail."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["type"] == f"/problems/{name}"
    assert body["request_id"] == response.headers["x-request-id"]
    detail = body["detail"]
    assert isinstance(detail, str)
    return detail


def test_an_answer_has_all_that_is_promised(client: TestClient) -> None:
    image = solid_image("green", (40, 50))
    body = post(client, encode_image(image)).json()
    assert list(body) == [
        "request_id", "model", "prediction", "abstained", "top", "probabilities", "drift",
        "warnings", "explanation",
    ]  # fmt: skip
    assert body["model"] == {"name": NAME, "version": VERSION}
    assert body["prediction"]["label"] == "green"
    assert (body["abstained"], body["top"], body["warnings"]) == (False, [], [])
    assert body["explanation"] is None
    assert body["drift"] == {"status": "unknown", "checked_at": None, "n_images": 0}
    expected = expected_probabilities(image)
    np.testing.assert_allclose(list(body["probabilities"].values()), expected, atol=1e-6)


def test_the_most_probable_classes_are_listed_best_first(client: TestClient) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    image[..., 2], image[..., 0] = 200, 90
    body = post(client, encode_image(image), top_k="2").json()
    assert [each["label"] for each in body["top"]] == ["blue", "red"]
    assert body["top"][0] == body["prediction"]


@pytest.mark.parametrize("value", ["4", "-1", "two", "", "1.5", "٣", "9" * 60])
def test_a_number_of_classes_that_cannot_be_is_refused(client: TestClient, value: str) -> None:
    detail = detail_of(post(client, top_k=value), 422, "bad-value")
    assert detail == "The field 'top_k' must be a whole number from 0 to 3, the classes."


@pytest.mark.parametrize(
    ("field", "said"),
    [("explain", "none, heatmap, overlay"), ("format", "jpeg, png")],
)
def test_unknown_pictures_are_refused(client: TestClient, field: str, said: str) -> None:
    detail = detail_of(post(client, **{field: "gif"}), 422, "bad-value")
    assert detail == f"The field '{field}' must be one of {said}."


@pytest.mark.parametrize("kind", ["heatmap", "overlay"])
@pytest.mark.parametrize("picture_format", ["jpeg", "png"])
def test_a_picture_comes_with_the_answer(
    client: TestClient, kind: str, picture_format: str
) -> None:
    data = encode_image(solid_image("blue", (20, 30)))
    body = post(client, data, explain=kind, format=picture_format).json()
    found = body["explanation"]
    assert (found["kind"], found["media_type"]) == (kind, f"image/{picture_format}")
    assert (found["width"], found["height"], found["reason"]) == (30, 20, None)
    raw = np.frombuffer(base64.b64decode(found["data"]), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape[:2] == (20, 30)


def test_options_may_be_json_as_bentomls_client_sends_them(client: TestClient) -> None:
    body = post(client, top_k="1", explain='"heatmap"', format='"png"').json()
    assert body["explanation"]["media_type"] == "image/png"


def test_the_picture_itself(client: TestClient) -> None:
    response = post(client, path="/explain")
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-label"] == "green"
    assert response.headers["x-model-version"] == f"{NAME}:{VERSION}"
    assert response.content.startswith(b"\xff\xd8")
    assert post(client, path="/explain", format="png").content.startswith(b"\x89PNG")
    assert "overlay" in detail_of(
        post(client, path="/explain", explain="none"), 422, "no-explanation"
    )


def test_dr04_a_picture_that_cannot_be_drawn_costs_no_prediction(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("no paint")

    monkeypatch.setattr(predict, "draw_explanation", fail)
    body = post(client, explain="heatmap").json()
    assert body["prediction"]["label"] == "green"
    assert body["explanation"]["data"] is None
    assert body["explanation"]["reason"].startswith("The picture could not be drawn")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("apng", "several frames"),
        ("tiff_pages", "several frames"),
        ("png_rgba", "laid on white"),
        ("jpeg_cmyk", "CMYK"),
    ],
)
def test_in06_in07_what_the_pixels_lost_is_said(client: TestClient, name: str, said: str) -> None:
    body = post(client, CORPUS[name]).json()
    assert said in " ".join(body["warnings"])


def test_an_unsure_prediction_is_marked(make_client: MakeClient) -> None:
    client = make_client(abstain_below=0.9)
    assert post(client).json()["abstained"] is False
    gray = encode_image(np.full((8, 8, 3), 128, np.uint8))
    assert post(client, gray).json()["abstained"] is True


def test_probabilities_may_be_rounded(make_client: MakeClient) -> None:
    client = make_client(probability_digits=2)
    body = post(client).json()
    assert all(round(each, 2) == each for each in body["probabilities"].values())


def test_the_last_drift_verdict_comes_with_the_answer(client: TestClient) -> None:
    worker = client.worker  # type: ignore[attr-defined]
    verdict = DriftVerdict(status="drift", n_images=100)
    worker.drift.last = Checked(verdict=verdict, key=(NAME, VERSION))
    assert post(client).json()["drift"]["status"] == "drift"
    assert client.get("/drift").json()["verdict"]["n_images"] == 100
    worker.drift.last = Checked(verdict=verdict, key=(NAME, "another"))
    assert post(client).json()["drift"]["status"] == "unknown"


class TestBatch:
    """Many images in one form."""

    def send(self, client: TestClient, images: list[bytes], **options: Any) -> Response:
        files = [("images", (f"{index}.png", data)) for index, data in enumerate(images)]
        return client.post("/predict_batch", files=files, data=options)

    def test_in15_one_bad_image_is_one_problem(self, client: TestClient) -> None:
        images = [encode_image(solid_image(CLASSES[each % 3])) for each in range(32)]
        images[7] = b"no image"
        response = self.send(client, images, top_k="1")
        assert response.status_code == 200
        body = response.json()
        entries = body["entries"]
        assert [each["index"] for each in entries] == list(range(32))
        assert [each["index"] for each in entries if each["problem"]] == [7]
        assert entries[7]["answer"] is None
        assert entries[7]["problem"]["status"] == 415
        for index in (0, 8, 31):
            answer = entries[index]["answer"]
            assert answer["request_id"] == f"{body['request_id']}-{index}"
            assert answer["prediction"]["label"] == CLASSES[index % 3]
            assert answer["top"] == [answer["prediction"]]

    def test_too_many_images_are_refused(self, make_client: MakeClient) -> None:
        client = make_client(max_batch_images=2)
        assert self.send(client, [PNG] * 2).status_code == 200
        detail_of(self.send(client, [PNG] * 3), 400, "bad-request")
