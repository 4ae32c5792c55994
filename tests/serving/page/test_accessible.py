"""The page for everyone: names, contrast, narrow screens, little motion; and its pictures."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from serving.problems import TOO_MANY, ProblemError
from tests.fake_bundle import encode_image
from tests.serving.page.conftest import Open
from tests.serving.page.pretend import (
    CHECKED,
    CLASSES,
    PROBABILITIES,
    Pretend,
    draw_sunset,
    drift_report,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PICTURES = {"page": 1280, "page-phone": 360}
ROLES = {
    "button", "checkbox", "combobox", "DisclosureTriangle", "form", "img", "image", "link", "list",
    "radio", "region", "slider", "textbox",
}  # fmt: skip
# Each visible text with the contrast to what is painted behind it (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const paint = (...colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const linear = (v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const measure = (text, element, colour) => {
    const behind = [];
    for (let at = element; at; at = at.parentElement) {
      behind.unshift(getComputedStyle(at).backgroundColor);
    }
    const [a, b] = [light(paint(...behind)), light(paint(...behind, colour))].sort((x, y) => y - x);
    return [text, (a + .05) / (b + .05)];
  };
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
    const isUnseen = element.closest("script, .unseen, datalist");
    if (!text || isUnseen || !element.checkVisibility()) continue;
    found.push(measure(text, element, getComputedStyle(element).color));
  }
  for (const input of document.querySelectorAll("input[placeholder]")) {
    found.push(measure(input.placeholder, input, getComputedStyle(input, "::placeholder").color));
  }
  return found;
}"""


# What is painted beyond the right edge, where nobody could scroll to it.
BEYOND = """() => [...document.querySelectorAll("body *:not(.unseen, option)")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth)
  .map((e) => e.id || e.outerHTML.slice(0, 80))"""


def nothing(page: Page, service: Pretend, image: Path) -> None:
    page.get_by_text("The model knows 7 classes").wait_for()


def result(page: Page, service: Pretend, image: Path) -> None:
    page.set_input_files("#file", image)
    page.locator("#result").wait_for()


def doubt(page: Page, service: Pretend, image: Path) -> None:
    service.abstained, service.drift, service.warnings = True, "drift", ("The first was read.",)
    service.report = drift_report("drift", moved=("uae", "properties"))
    service.report["examples"] = [
        {"request_id": "0f8fad5bd9cb469fa1", "time": CHECKED, "view": "uae", "distance": 4.0}
    ]
    result(page, service, image)
    page.get_by_role("button", name="Wrong").click()
    page.locator("#drift summary").click()
    page.get_by_text("How images look").wait_for()


def refusal(page: Page, service: Pretend, image: Path) -> None:
    service.drift = "error"
    service.problems["/predict"] = ProblemError(TOO_MANY, "Slow down.", {"Retry-After": "12"})
    page.reload()
    page.set_input_files("#file", image)
    page.get_by_role("button", name="Try again").wait_for()


def locked(page: Page, service: Pretend, image: Path) -> None:
    service.key = "right-key"
    page.reload()
    page.get_by_label("API key").fill("wrong-key")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="Key missing or wrong").wait_for()


def crowded(page: Page, service: Pretend, image: Path) -> None:
    service.classes = tuple(f"{'averylongnameofaclass' * 8}{n}" for n in range(7))
    service.warnings = ("x" * 300,)
    page.reload()
    result(page, service, image.rename(image.with_name("y" * 200 + ".png")))
    page.get_by_role("button", name="Wrong").click()


State = Callable[["Page", Pretend, Path], None]
STATES = [nothing, result, doubt, refusal, locked, crowded]


def named_nodes(page: Page) -> list[tuple[str, str]]:
    """Returns role and accessible name of all that a screen reader can stop at."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    nodes: list[dict[str, Any]] = [node for node in tree if not node["ignored"]]
    return [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if node["role"]["value"] in ROLES
    ]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_everyone_can_use_it(open_page: Open, service: Pretend, image: Path, state: State) -> None:
    page = open_page(360).page
    state(page, service, image)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        measured = page.evaluate(CONTRAST)
        assert len(measured) >= 12
        assert [(text, ratio) for text, ratio in measured if ratio < 4.5] == []
    nodes = named_nodes(page)
    assert len(nodes) >= 8
    # A list needs no name where a heading stands above it.
    assert [role for role, name in nodes if not name and role != "list"] == []
    for width in (360, 320):
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(BEYOND) == []


def test_the_names_of_the_controls(open_page: Open, service: Pretend, image: Path) -> None:
    page = open_page().page
    doubt(page, service, image)
    nodes = named_nodes(page)
    for expected in [
        ("DisclosureTriangle", "Drift found"),
        ("button", "Choose a file"),
        ("button", "Camera"),
        ("slider", "Opacity of the heatmap"),
        ("button", "Copy the request id"),
        ("button", "Right"),
        ("button", "Wrong"),
        ("combobox", "What is it really?"),
        ("region", "Recent predictions"),
        ("list", "Most probable classes"),
        ("image", "Preview of over the hills.png"),
        ("image", "Heatmap: where in the image the model saw sunset"),
    ]:
        assert expected in nodes


def test_focus_is_seen(open_page: Open) -> None:
    page = open_page().page
    page.get_by_text("The model knows 7 classes").wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
        outline = "(e) => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]"
        assert page.locator(":focus").evaluate(outline) == ["solid", "3px"]


def test_nothing_moves_where_that_is_not_wanted(
    open_page: Open, service: Pretend, image: Path
) -> None:
    service.gate = threading.Event()
    page = open_page().page
    page.set_input_files("#file", image)
    page.get_by_text("Waiting for the answer …").wait_for()
    running = "document.getAnimations().length"
    assert page.evaluate(running) == 1
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(running) == 0
    service.gate.set()
    page.locator("#result").wait_for()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chosen = os.environ.get("VISIONSTACK_PICTURES")
    return Path(chosen) if chosen else tmp_path_factory.mktemp("pictures")


def size_of(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


@pytest.mark.parametrize(("name", "width"), PICTURES.items())
def test_its_picture(
    open_page: Open, service: Pretend, image: Path, pictures: Path, name: str, width: int
) -> None:
    watched = open_page(width)
    service.probabilities = (0.712, 0.203, 0.051, 0.021, 0.01, 0.002, 0.001)
    service.classes = (CLASSES[3], *CLASSES[:3], *CLASSES[4:])
    night = image.with_name("night.png")
    night.write_bytes(encode_image(draw_sunset()[..., ::-1]))
    result(watched.page, service, night)
    watched.page.get_by_role("button", name="Right").click()
    watched.page.get_by_text("71.2% · right").wait_for()
    service.probabilities, service.classes = PROBABILITIES, CLASSES
    watched.page.set_input_files("#file", image)
    watched.page.locator("#label", has_text="sunset").wait_for()
    watched.page.locator("#heatmap").evaluate("(e) => e.decode()")
    watched.page.screenshot(path=pictures / f"{name}.png", full_page=True)
    assert size_of(pictures / f"{name}.png")[0] == width
    assert (pictures / f"{name}.png").stat().st_size < 400_000
    assert watched.errors == []


@pytest.mark.parametrize(("name", "width"), PICTURES.items())
def test_the_documentation_has_its_picture(name: str, width: int) -> None:
    path = Path(__file__).parents[3] / "docs" / "images" / f"{name}.png"
    assert size_of(path)[0] == width
    assert path.stat().st_size < 400_000
