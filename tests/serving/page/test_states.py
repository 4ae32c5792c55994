"""What the page says when there is a key, drift, no connection, no camera, or hostile text."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.problems import NO_LOG, NO_MODEL, ProblemError
from tests.fake_bundle import encode_image
from tests.serving.page.conftest import Open
from tests.serving.page.pretend import CHECKED, CLASSES, Pretend, draw_sunset, drift_report

pytestmark = [pytest.mark.integration, pytest.mark.slow]

HOSTILE = '"><img src=x onerror="window.hit=1"><script>window.hit=1</script>{{7*7}}\u202e\''
# Stands for a camera of 640 x 480 pixels, all red.
CAMERA = """navigator.mediaDevices.getUserMedia = async () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const context = canvas.getContext("2d");
  setInterval(() => { context.fillStyle = "red"; context.fillRect(0, 0, 640, 480); }, 20);
  window.stream = canvas.captureStream();
  return window.stream;
};"""


VERDICTS = {
    "unknown": ("Drift not checked yet", "37 of 200 predictions gathered."),
    "ok": ("No drift", "Checked 02/01/2026, 09:30 on 200 predictions."),
    "drift": ("Drift found", "Recent images differ from those the model was trained for."),
    "error": ("Drift check failed", "The detectors did not end within 30 s."),
}


def test_the_drift_badge_has_words(open_page: Open, service: Pretend) -> None:
    page = open_page().page
    for service.drift, (words, text) in VERDICTS.items():
        page.reload()
        page.locator("#drift-words", has_text=words).wait_for()
        assert not page.get_by_text(text).is_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text(text).wait_for()
        page.keyboard.press("Escape")
        assert not page.get_by_text(text).is_visible()


def test_an_answer_brings_the_badge_up_to_date(
    open_page: Open, service: Pretend, image: Path
) -> None:
    page = open_page().page
    page.get_by_text("No drift", exact=True).wait_for()
    service.drift = "drift"
    service.report = drift_report("drift", ("bbsd", "properties"), moved=("properties",))
    page.set_input_files("#file", image)
    page.get_by_role("list", name="Warnings").get_by_text("Drift was found").wait_for()
    page.get_by_text("Drift found", exact=True).click()
    page.get_by_text("Light, colour, sharpness").wait_for()
    views = page.locator("#drift-views li").all_inner_texts()
    assert [view.split("\n") for view in views] == [
        ["Light, colour, sharpness", "moved",
         "p-value < 0.0001, drift below 0.0042 · 100 images · most: sharpness"],
        ["What the model answers", "as usual", "p-value 0.8, drift below 0.0042 · 200 images"],
    ]  # fmt: skip
    assert page.locator("#drift-text").inner_text().endswith("Since 02/01/2026, 04:30.")
    charts = page.locator("#drift-views svg").evaluate_all("all => all.map((e) => e.ariaLabel)")
    assert charts == [
        "Light, colour, sharpness: 6 of the last 23 checks below the threshold",
        "What the model answers: 0 of the last 23 checks below the threshold",
    ]
    assert page.locator("#drift-views circle.far").count() == 6


def test_unusual_images_are_shown_where_they_are_kept(open_page: Open, service: Pretend) -> None:
    ids = [f"0f8fad5bd9cb469fa16570867728950{n}" for n in range(3)]
    service.drift = "drift"
    service.report = drift_report("drift", moved=("uae",))
    service.report["examples"] = [
        {"request_id": each, "time": CHECKED, "view": "uae", "distance": 4.0, "image": n < 2}
        for n, each in enumerate(ids)
    ]
    service.kept = {ids[0]: encode_image(draw_sunset(80, 60))}
    watched = open_page()
    page = watched.page
    page.get_by_text("Drift found", exact=True).wait_for()
    assert [path for _, path, _ in service.seen if "/image" in path] == []
    page.get_by_text("Drift found", exact=True).click()
    picture = page.get_by_role("img", name=f"Image of request {ids[0]}")
    picture.wait_for()
    assert picture.evaluate("(e) => [e.naturalWidth, e.naturalHeight]") == [80, 60]
    assert page.locator("#drift-examples code").all_inner_texts() == ids
    assert page.locator("#drift-examples img").count() == 1
    asked = [path for _, path, _ in service.seen if path.endswith("/image")]
    assert sorted(set(asked)) == [f"/predictions/{each}/image" for each in ids[:2]]


def test_se01_a_key_is_asked_for_and_kept_in_this_tab(
    open_page: Open, service: Pretend, image: Path
) -> None:
    service.key = "right-key"
    page = open_page().page
    field = page.get_by_label("API key")
    field.wait_for()
    assert page.evaluate("document.activeElement.id") == "key"
    assert field.get_attribute("type") == "password"
    assert page.locator("#key-hint").inner_text().startswith("Send a key")
    page.set_input_files("#file", image)
    page.keyboard.type("wrong-key\n")
    page.get_by_role("alert").filter(has_text="Key missing or wrong").wait_for()
    field.fill("right-key")
    page.keyboard.press("Enter")
    page.locator("#result").wait_for()  # the image had not to be given again
    page.get_by_text("The model knows 7 classes").wait_for(state="attached")
    assert not field.is_visible()
    assert page.evaluate("[sessionStorage.length, localStorage['visionstack.key']]") == [1, None]
    assert "right-key" not in page.url
    page.reload()
    page.get_by_text("The model knows 7 classes").wait_for()
    assert not field.is_visible()


def test_where_no_key_is_asked_for_there_is_no_field(open_page: Open) -> None:
    page = open_page().page
    page.get_by_text("The model knows 7 classes").wait_for()
    assert not page.get_by_label("API key").is_visible()


def test_offline(open_page: Open, image: Path) -> None:
    page = open_page().page
    page.get_by_text("The model knows 7 classes").wait_for()
    page.context.set_offline(True)
    page.get_by_role("status").filter(has_text="This browser is offline.").wait_for()
    page.set_input_files("#file", image)
    alert = page.get_by_role("alert").filter(has_text="This browser has no connection.")
    alert.wait_for()
    page.context.set_offline(False)
    page.get_by_text("This browser is offline.").wait_for(state="hidden")
    alert.get_by_role("button", name="Try again").press("Enter")
    page.locator("#result").wait_for()
    assert page.evaluate("document.activeElement.id") == "result-card"


def test_without_a_model(open_page: Open, service: Pretend) -> None:
    detail = "There is no model; make one: `make demo`."
    service.problems["/model"] = ProblemError(NO_MODEL, detail, {"Retry-After": "2"})
    page = open_page().page
    alert = page.get_by_role("alert").filter(has_text=detail)
    alert.wait_for()
    assert page.locator("#model").inner_text() == "No model is served now"
    service.problems.clear()
    alert.get_by_role("button", name="Try again").click()
    page.get_by_text("The model knows 7 classes").wait_for()
    assert page.title() == "scenes – image classifier"


def test_feedback_that_was_not_taken_can_be_sent_again(
    open_page: Open, service: Pretend, image: Path
) -> None:
    service.problems["/feedback"] = ProblemError(NO_LOG, "The log is full.", {"Retry-After": "5"})
    page = open_page().page
    page.set_input_files("#file", image)
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What is it really?").fill("snow")
    page.get_by_role("button", name="Send").click()
    alert = page.get_by_role("alert").filter(has_text="The log is full.")
    alert.wait_for()
    assert page.get_by_label("What is it really?").input_value() == "snow"
    service.problems.clear()
    alert.get_by_role("button", name="Try again").click()
    page.get_by_text("Marked as wrong: it is snow.").first.wait_for()


def test_in11_hostile_text_is_shown_as_text(
    open_page: Open, service: Pretend, tmp_path: Path
) -> None:
    file = tmp_path / HOSTILE.replace("/", ":")
    file.write_bytes(encode_image(draw_sunset(80, 60)))
    service.classes = (HOSTILE, "__proto__", "constructor", *CLASSES[3:])
    service.warnings = (HOSTILE,)
    service.report = drift_report("ok", (HOSTILE, "__proto__"))
    page = open_page().page
    page.set_input_files("#file", file)
    page.locator("#result").wait_for()
    assert page.locator("#label").inner_text() == HOSTILE
    bars = page.locator("#bars li span:first-child").all_inner_texts()
    assert bars[:3] == [HOSTILE, "__proto__", "constructor"]
    assert page.locator("#warnings").inner_text() == HOSTILE
    assert page.locator("#name").inner_text() == file.name
    assert page.locator("#recent strong").inner_text() == HOSTILE
    page.get_by_role("button", name="Wrong").click()
    page.get_by_label("What is it really?").fill(HOSTILE)
    service.problems["/feedback"] = ProblemError(NO_LOG, HOSTILE)
    page.get_by_role("button", name="Send").click()
    page.get_by_role("alert").filter(has_text=HOSTILE).wait_for()
    service.problems.clear()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Thank you.").first.wait_for()
    page.reload()
    page.locator("#recent strong").wait_for()
    found = page.evaluate("[typeof hit, document.scripts.length, document.images.length]")
    assert found == ["undefined", 1, 2]


def test_se10_the_policy_closes_the_doors_to_markup(open_page: Open) -> None:
    watched = open_page()
    page = watched.page
    closed = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; } catch (e) { return e.name; } }"
    )
    assert closed == "TypeError"
    inline = page.evaluate(
        "() => { const e = document.createElement('p'); e.setAttribute('style', 'color: red');"
        " document.body.append(e); return e.style.color; }"
    )
    assert inline == ""
    assert len(watched.errors) == 2
    watched.errors.clear()


def test_the_camera_takes_a_picture(open_page: Open, service: Pretend) -> None:
    page = open_page(script=CAMERA).page
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the picture").wait_for()
    page.keyboard.press("Enter")
    page.locator("#result").wait_for()
    assert page.evaluate("[preview.width, preview.height]") == [640, 480]
    assert page.evaluate("stream.getTracks().map((track) => track.readyState)") == ["ended"]
    assert not page.locator("#video").is_visible()


def test_escape_leaves_the_camera(open_page: Open) -> None:
    page = open_page(script=CAMERA).page
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("Drop an image here").wait_for()
    assert page.evaluate("document.activeElement.id") == "camera"
    assert page.evaluate("stream.active") is False


def test_without_a_camera_the_button_asks_for_a_file(open_page: Open) -> None:
    page = open_page().page
    # Choosers are caught only some time after the first one asks for them.
    page.on("filechooser", lambda chooser: None)
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("alert").filter(has_text="Press the button again").wait_for()
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Camera").click()
    assert chosen.value.element.get_attribute("capture") == "environment"
