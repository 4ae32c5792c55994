"""The monitoring page: what it says, that it is safe, and that it can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from tests.fake_bundle import encode_image, solid_image
from tests.self_contained import what_it_loads
from tests.vision.monitoring.pages import every_report, report_of, version_report
from vision.monitoring.report_page import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPORTS = every_report()
KINDS = sorted(REPORTS)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.unit
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_loaded_and_nothing_runs(kind: str) -> None:
    page = write_page(REPORTS[kind])
    assert what_it_loads(page) == []
    assert "<b>&amp;" not in page.replace("&lt;b&gt;&amp;amp;", "")
    assert "$" not in page
    assert len(page) < 1_000_000


@pytest.mark.unit
@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_is_well_formed_and_named(kind: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", write_page(REPORTS[kind]), re.DOTALL)
    for chart in charts:
        root = ElementTree.fromstring(chart)
        assert root.get("aria-label")
        assert "nan" not in chart
        names = [each.text for each in root.iter("text") if each.get("class") == "name"]
        assert names, "a chart has no name on any axis"


@pytest.mark.unit
def test_the_verdict_comes_first() -> None:
    page = text_of(write_page(REPORTS["drift"]).split("<body>")[1])
    order = [
        "Monitoring of pets",
        "Version v1",
        "Drift in uae, bbsd, penultimate, properties and classes",
        "Next: What the images look like,",
        "Evidence: is it drift?",
        "Since when?",
        "Accuracy",
        "Image properties and confidence",
        "Predicted classes",
        "Version v0",
        "Could not be checked the bundle is gone",
        "Earlier runs",
    ]
    places = [page.index(said) for said in order]
    assert places == sorted(places)


@pytest.mark.unit
def test_no_traffic_is_a_verdict() -> None:
    page = text_of(write_page(REPORTS["no_traffic"]))
    assert "No traffic No version of this model predicted anything in the period." in page


@pytest.mark.unit
def test_history_is_bounded() -> None:
    assert write_page(REPORTS["drift"]).count('class="badge ok"') == 30


@pytest.mark.unit
def test_of_many_classes_some_are_shown() -> None:
    page = write_page(REPORTS["hundred"])
    assert page.count("species ") >= 20
    assert len(set(re.findall(r"species \d+(?=<title>)", page))) == 20
    assert "Of 100 classes, the 20 whose share moved most are shown." in page


@pytest.mark.unit
def test_images_are_shown_where_they_are_kept(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/one.png").write_bytes(encode_image(solid_image("red")))
    (tmp_path / "secret.png").write_bytes(encode_image(solid_image("blue")))
    names = ("one.png", "gone.png", "../secret.png", None)
    report = report_of(version_report(images=[names[n % 4] for n in range(400)], ratio=1e-9))
    page = write_page(report, tmp_path / "kept")
    assert len(set(re.findall(r'src="(data:[^"]+)"', page))) == 1
    assert "no picture" in page
    assert "VISIONSTACK_LOG_IMAGES" not in page
    assert "data:" not in write_page(report)
    assert "data:" not in write_page(report, tmp_path / "nowhere")


@pytest.mark.unit
def test_without_images_there_is_a_hint() -> None:
    assert "VISIONSTACK_LOG_IMAGES of the service" in write_page(REPORTS["ok"])


# Of each text its place among all; cut off is what leaves its chart, and texts must not overlap.
_UNREADABLE = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page is too wide');
  for (const chart of document.querySelectorAll('svg')) {
    const frame = chart.getBoundingClientRect();
    if (!frame.width) continue;
    const texts = [...chart.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
    texts.forEach(([text, a], i) => {
      const said = text.firstChild.textContent;
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.bottom > frame.bottom + 1)
        found.push(chart.getAttribute('aria-label') + ': cut off: ' + said);
      for (const [other, b] of texts.slice(i + 1))
        if (a.left < b.right - 1 && b.left < a.right - 1
            && a.top < b.bottom - 2 && b.top < a.bottom - 2)
          found.push(said + ' overlaps ' + other.firstChild.textContent);
    });
  }
  return found;
}"""


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_read(browser: Browser, tmp_path: Path, kind: str) -> None:
    assert look(browser, tmp_path, write_page(REPORTS[kind])) == []


@pytest.mark.integration
def test_the_browser_finds_what_cannot_be_read(browser: Browser, tmp_path: Path) -> None:
    """The oracle itself: two planted faults."""
    page = write_page(REPORTS["ok"])
    planted = '<text class="name" x="-80" y="20">far out</text><text x="-80" y="20">over it</text>'
    faulty = page.replace("</svg>", f"{planted}</svg>", 1)
    found = {each.split(": ")[-1] for each in look(browser, tmp_path, faulty)}
    assert {"far out", "over it", "far out overlaps over it"} <= found


def look(browser: Browser, folder: Path, html: str) -> list[str]:
    """Returns what is wrong with a page on a desk and on a telephone."""
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    shown = browser.new_page(viewport={"width": 1200, "height": 900})
    found: list[Any] = []
    shown.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    shown.on("pageerror", lambda error: found.append(str(error)))
    shown.goto(file.as_uri())
    found += shown.evaluate(_UNREADABLE)
    shown.set_viewport_size({"width": 400, "height": 900})
    found += shown.evaluate(_UNREADABLE)
    shown.close()
    return found
