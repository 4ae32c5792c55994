"""The way through the page in a real browser: an image, its prediction, and what is said of it."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import cv2
import pytest

from serving.problems import TOO_MANY, ProblemError
from tests.fake_bundle import encode_image
from tests.serving.page.conftest import Open
from tests.serving.page.pretend import Pretend, draw_sunset

pytestmark = [pytest.mark.integration, pytest.mark.slow]

FILES = """([name, type, encoded]) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const carrier = new DataTransfer();
  carrier.items.add(new File([bytes], name, {type}));
  return carrier;
}"""
COPY = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const blob = new Blob([bytes], {type: "image/png"});
  await navigator.clipboard.write([new ClipboardItem({"image/png": blob})]);
}"""
BARS = "(items) => items.map((item) => [...item.children].slice(0, 2).map((e) => e.textContent))"
TO_FOCUS = "() => document.activeElement.id || document.activeElement.textContent"


def sent_images(service: Pretend) -> list[dict[str, object]]:
    return [content for _, path, content in service.seen if path == "/predict"]


def sent_feedback(service: Pretend) -> list[dict[str, object]]:
    return [content for _, path, content in service.seen if path == "/feedback"]


def test_drop_to_feedback(open_page: Open, service: Pretend, image: Path) -> None:
    watched = open_page()
    page = watched.page
    page.get_by_text("The model knows 7 classes").wait_for()
    encoded = base64.b64encode(image.read_bytes()).decode()
    carrier = page.evaluate_handle(FILES, [image.name, "image/png", encoded])
    page.dispatch_event("#stage", "drop", {"dataTransfer": carrier})
    page.get_by_text("93.4%").first.wait_for()
    assert page.locator("#label").inner_text() == "sunset"
    assert page.locator("#bars li").evaluate_all(BARS) == [
        ["sunset", "93.4%"],
        ["harbour", "3.1%"],
        ["forest", "1.8%"],
        ["city at night", "1.1%"],
        ["snow", "0.4%"],
    ]
    page.get_by_role("slider", name="Opacity of the heatmap").fill("30")
    assert page.locator("#heatmap").evaluate("(e) => [e.naturalWidth, e.style.opacity]") == [
        800,
        "0.3",
    ]
    page.get_by_role("button", name="Right").click()
    page.get_by_text("Marked as right. Thank you.").first.wait_for()
    assert sent_images(service) == [
        {
            "explain": "heatmap",
            "format": "png",
            "filename": "image",
            "n_bytes": image.stat().st_size,
            "origin": watched.address,
        }
    ]
    shown = page.locator("#request-id").inner_text()
    assert sent_feedback(service) == [{"request_id": shown, "labels": ["sunset"]}]
    assert watched.errors == []


def test_paste(open_page: Open, image: Path) -> None:
    page = open_page().page
    page.evaluate(COPY, base64.b64encode(image.read_bytes()).decode())
    page.keyboard.press("Control+V")
    page.locator("#result").wait_for()
    assert page.locator("#label").inner_text() == "sunset"


def test_what_is_no_image_is_not_sent(open_page: Open, service: Pretend) -> None:
    page = open_page().page
    page.evaluate("navigator.clipboard.writeText('https://example.org/one.png')")
    page.keyboard.press("Control+V")
    page.get_by_text("The clipboard holds no image.").wait_for()
    carrier = page.evaluate_handle("() => new DataTransfer()")
    page.dispatch_event("#stage", "drop", {"dataTransfer": carrier})
    page.get_by_text("What was dropped is no file").wait_for()
    assert sent_images(service) == []


def test_with_the_keyboard_alone(open_page: Open, service: Pretend, image: Path) -> None:
    page = open_page().page
    # Choosers are caught only some time after the first one asks for them.
    page.on("filechooser", lambda chooser: None)
    order = []
    for _ in range(3):
        page.keyboard.press("Tab")
        order.append(page.evaluate(TO_FOCUS))
    assert order[1:] == ["choose", "camera"]
    page.keyboard.press("Shift+Tab")
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Enter")
    chosen.value.set_files(image)
    page.locator("#result").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(TO_FOCUS) == "opacity"
    page.keyboard.press("ArrowRight")
    assert page.locator("#opacity-value").inner_text() == "75%"
    assert page.locator("#heatmap").evaluate("(e) => e.style.opacity") == "0.75"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#request-id").inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(TO_FOCUS) == "truth-1"
    page.keyboard.type("snow")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Marked as wrong: it is snow. Thank you.").first.wait_for()
    assert page.evaluate(TO_FOCUS) == "change"
    assert sent_feedback(service) == [{"request_id": copied, "labels": ["snow"]}]


def test_several_true_classes(open_page: Open, service: Pretend, image: Path) -> None:
    service.task, service.probabilities = "multilabel", (0.9, 0.7, 0.2, 0.1, 0, 0, 0)
    page = open_page().page
    page.set_input_files("#file", image)
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What is it really?").fill("snow")
    page.get_by_role("button", name="Add a class").click()
    page.get_by_label("And class 2").fill("ice")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("it is snow, ice. Thank you. The model has no class ice.").first.wait_for()
    page.get_by_role("button", name="Change").click()
    page.get_by_role("button", name="Right").click()
    page.get_by_text("Marked as right.").first.wait_for()
    sent = [one["labels"] for one in sent_feedback(service)]
    assert sent == [["snow", "ice"], ["sunset", "harbour"]]


def test_it_abstains_and_warns(open_page: Open, service: Pretend, image: Path) -> None:
    service.abstained, service.warnings = True, ("Transparent pixels were laid on white.",)
    page = open_page().page
    page.set_input_files("#file", image)
    page.get_by_text("The model abstains", exact=True).wait_for()
    assert page.get_by_role("list", name="Warnings").inner_text() == service.warnings[0]
    assert page.locator("#spoken").text_content() == (
        "The model abstains. Best guess: sunset 93.4% Transparent pixels were laid on white."
    )


def test_without_a_heatmap_it_says_why(open_page: Open, service: Pretend, image: Path) -> None:
    service.has_map = False
    page = open_page().page
    page.set_input_files("#file", image)
    page.get_by_text("No heatmap. The model gives no activation map").wait_for()
    assert not page.locator("#heatmap").is_visible()
    assert not page.locator("#opacity").is_visible()


def test_a_file_that_only_the_service_can_read(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "one.tiff").write_bytes(encode_image(draw_sunset(80, 60), ".tiff"))
    page = open_page().page
    page.set_input_files("#file", tmp_path / "one.tiff")
    page.get_by_text("This browser cannot show the file.").wait_for()
    page.locator("#result").wait_for()
    assert page.locator("#recent li").count() == 1


def test_in08_image_and_heatmap_stand_upright(open_page: Open, tmp_path: Path) -> None:
    turned = cv2.rotate(draw_sunset(80, 60), cv2.ROTATE_90_COUNTERCLOCKWISE)
    jpeg = encode_image(turned, ".jpg")
    # Orientation 6: turn it clockwise before showing it.
    tag = bytes.fromhex(
        "ffe1002245786966000049492a00080000000100120103000100000006000000" + "00000000"
    )
    (tmp_path / "one.jpg").write_bytes(jpeg[:2] + tag + jpeg[2:])
    page = open_page().page
    page.set_input_files("#file", tmp_path / "one.jpg")
    page.locator("#result").wait_for()
    sizes = page.evaluate(
        "[preview.width, preview.height, heatmap.naturalWidth, heatmap.naturalHeight]"
    )
    assert sizes == [80, 60, 80, 60]


def test_the_last_image_wins(open_page: Open, service: Pretend, image: Path) -> None:
    gate = service.gate = threading.Event()
    page = open_page().page
    with page.expect_request("**/predict") as first:
        page.set_input_files("#file", image)
    while not any(path == "/predict" for _, path, _ in service.seen):
        page.wait_for_timeout(20)
    service.gate, service.abstained = None, True
    page.set_input_files("#file", image)
    page.get_by_text("The model abstains", exact=True).wait_for()
    service.abstained = False
    gate.set()
    # The page has given it up: an answer would come here, and then there.
    assert first.value.response() is None
    assert page.get_by_text("The model abstains", exact=True).is_visible()
    assert page.locator("#recent li").count() == 1


def test_an_error_takes_the_place_of_the_result(
    open_page: Open, service: Pretend, image: Path
) -> None:
    page = open_page().page
    page.set_input_files("#file", image)
    page.locator("#result").wait_for()
    service.problems["/predict"] = ProblemError(TOO_MANY, "Slow down.", {"Retry-After": "12"})
    page.set_input_files("#file", image)
    alert = page.get_by_role("alert").filter(has_text="Too many requests")
    alert.wait_for()
    assert not page.locator("#result").is_visible()
    title, detail, hint, request = alert.locator("strong, p").all_inner_texts()
    assert (title, detail, hint) == ("Too many requests", "Slow down.", "Try again in 12 s.")
    assert len(request.removeprefix("Request ")) == 32
    service.problems.clear()
    alert.get_by_role("button", name="Try again").click()
    page.locator("#result").wait_for()
    assert not alert.is_visible()


@pytest.mark.parametrize(
    ("content", "title"), [(b"", "Empty image"), (b"no image at all", "Unknown image format")]
)
def test_a_file_that_is_no_image(
    open_page: Open, tmp_path: Path, content: bytes, title: str
) -> None:
    (tmp_path / "one.png").write_bytes(content)
    page = open_page().page
    page.set_input_files("#file", tmp_path / "one.png")
    alert = page.get_by_role("alert").filter(has_text=title)
    alert.wait_for()
    # The same file would be refused again.
    assert alert.get_by_role("button").count() == 0
