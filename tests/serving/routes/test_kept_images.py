"""``GET /predictions/{id}/image``: what was kept, to whom it belongs, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from serving.routes.kept import read_kept
from tests.fake_bundle import encode_image, solid_image
from tests.serving.conftest import MakeClient

pytestmark = pytest.mark.unit

PIXELS = solid_image("green", (20, 30))


def predict(client: TestClient, extension: str = ".png") -> str:
    data = encode_image(PIXELS, extension)
    answer = client.post("/predict", files={"image": ("a", data)})
    assert answer.status_code == 200
    return str(answer.json()["request_id"])


def image_of(client: TestClient, request_id: str, until: int = 200) -> httpx.Response:
    """Asks until the image is measured and kept, and the log open, a moment after the answer."""
    deadline = time.monotonic() + 20
    while (answer := client.get(f"/predictions/{request_id}/image")).status_code != until:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.02)
    return answer


@pytest.mark.parametrize(
    ("extension", "media_type"),
    [(".png", "image/png"), (".jpg", "image/jpeg"), (".webp", "image/png")],
)
def test_a_kept_image_comes_back(make_client: MakeClient, extension: str, media_type: str) -> None:
    client = make_client(log_images=1.0)
    answer = image_of(client, predict(client, extension))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(pixels[..., ::-1].astype(int) - PIXELS).max() <= 8


def test_an_image_that_was_not_kept_is_404(client: TestClient) -> None:
    image_of(client, predict(client), until=404)
    image_of(client, "0badcafe0badcafe", until=404)
    answer = client.get("/predictions/0badcafe0badcafe/image")
    assert answer.status_code == 404
    assert "no such prediction" in answer.json()["detail"]


def test_an_image_that_was_removed_is_404(make_client: MakeClient, home: Path) -> None:
    client = make_client(log_images=1.0)
    request_id = predict(client)
    assert image_of(client, request_id).status_code == 200
    for path in (home / "logs/service/images").glob("*/*"):
        path.unlink()
    answer = client.get(f"/predictions/{request_id}/image")
    assert answer.status_code == 404
    said = "The image of this prediction is not kept, or no longer (VISIONSTACK_LOG_IMAGES)."
    assert answer.json()["detail"] == said


def test_se01_the_image_needs_a_key(make_client: MakeClient) -> None:
    client = make_client(log_images=1.0, require_keys="yes", api_key="one")
    answer = client.get("/predictions/0badcafe0badcafe/image")
    assert answer.status_code == 401


def test_without_a_log_there_is_no_image(make_client: MakeClient) -> None:
    answer = make_client(log="off").get("/predictions/0badcafe0badcafe/image")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/log-off")


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "/etc/passwd",
        "../../secret.png",
        "2026-01-31/../../secret.png",
        "2026-01-31/../secret.png",
        "2026-01-31/link.png",
        "2026-01-31/page.html",
        "2026-01-31/text.png",
        "2026-01-31/none.png",
        "2026-01-31/a.png\n",
    ],
)
def test_se03_no_name_leads_to_another_file(tmp_path: Path, name: str | None) -> None:
    folder = tmp_path / "images"
    day = folder / "2026-01-31"
    day.mkdir(parents=True)
    png = encode_image(PIXELS)
    for path in (tmp_path / "secret.png", folder / "secret.png", day / "a.png"):
        path.write_bytes(png)
    (day / "page.html").write_text("<script>alert(1)</script>")
    (day / "text.png").write_text("<script>alert(1)</script>")
    (day / "link.png").symlink_to(tmp_path / "secret.png")
    assert read_kept(folder, "2026-01-31/a.png") is not None
    assert read_kept(folder, name) is None
