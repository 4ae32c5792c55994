"""The page on the real service, ``bentoml serve``, with a key and a tiny real bundle."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fake_bundle import NAME, VERSION, encode_image, expected_probabilities, write_fake_bundle
from tests.servers import free_port, running
from tests.serving.page.conftest import Open
from tests.serving.page.pretend import draw_sunset

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEY = "a-key-of-the-test"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the real service listens."""
    write_fake_bundle(tmp_path / "bundle", input_size=(60, 80))
    environment = dict(os.environ) | {
        "VISIONSTACK_HOME": str(tmp_path / "home"),
        "BENTOML_HOME": str(tmp_path / "bentoml"),
        "VISIONSTACK_BUNDLE": str(tmp_path / "bundle"),
        "VISIONSTACK_REQUIRE_KEYS": "yes",
        "VISIONSTACK_API_KEY": KEY,
    }
    port = free_port()
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(port)]
    where = f"http://127.0.0.1:{port}"
    with running(command, environment, tmp_path / "output.txt", f"{where}/readyz", within_s=60):
        yield where


def stored_labels(address: str, request_id: str) -> list[list[str]]:
    """Returns the feedback that the log holds, which is written a moment later."""
    headers = {"X-API-Key": KEY}
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as client:
        for _ in range(100):
            answer = client.get(f"/predictions/{request_id}")
            if answer.status_code == 200 and answer.json()["feedback"]:
                return [one["labels"] for one in answer.json()["feedback"]]
            time.sleep(0.1)
    raise AssertionError(answer.text)


def test_the_page_and_the_service_understand_each_other(
    open_page: Open, address: str, tmp_path: Path
) -> None:
    drawn = draw_sunset(80, 60)
    (tmp_path / "drawn.png").write_bytes(encode_image(drawn))
    watched = open_page()
    page = watched.page
    page.get_by_label("API key").fill(KEY)
    page.keyboard.press("Enter")
    page.get_by_text("The model knows 3 classes").wait_for()
    assert page.locator("#model").inner_text() == f"{NAME} {VERSION}"
    page.set_input_files("#file", tmp_path / "drawn.png")
    page.locator("#result").wait_for()
    probability = expected_probabilities(drawn)[0]
    assert page.locator("#label").inner_text() == "red"
    assert page.locator("#probability").inner_text() == f"{100 * probability:.1f}%"
    assert page.locator("#heatmap").evaluate("(e) => [e.naturalWidth, e.naturalHeight]") == [80, 60]
    assert page.locator("#drift-words").inner_text() == "Drift not checked yet"
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What is it really?").fill("blue")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Marked as wrong: it is blue. Thank you.").first.wait_for()
    assert stored_labels(address, page.locator("#request-id").inner_text()) == [["blue"]]
    (tmp_path / "none.png").write_bytes(b"no image at all")
    page.set_input_files("#file", tmp_path / "none.png")
    page.get_by_role("alert").filter(has_text="Unknown image format").wait_for()
    # Before the key was given, the model and the drift were refused, and now that file.
    statuses = sorted(error.partition("status of ")[2][:3] for error in watched.errors)
    assert statuses == ["401", "401", "415"]
