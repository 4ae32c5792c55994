"""The page about drift, as a person sees it in a browser."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.browser import Watched, chromium, find_chromium
from tests.vision.drift.power_samples import make_table, without
from vision.drift.power_figures import corruption_strip, power_map
from vision.drift.power_page import TITLE, render_power_page
from vision.images.types import Pixels


@pytest.fixture(scope="module")
def examples() -> list[Pixels]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (16, 12, 3), dtype=np.uint8) for _ in range(5)]


@pytest.fixture(scope="module")
def page(examples: list[Pixels]) -> str:
    return render_power_page(make_table(), examples)


def _pixels(png: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


@pytest.mark.unit
def test_it_says_what_is_seen_and_what_is_not(page: str):
    assert "blur 2 (over 2% of the side) is seen after 100 images, by properties" in page
    assert "Not seen, though fewer answers are right" in page
    assert "channel_swap: it changes no pixel of these images." in page
    assert page.index("Not seen, though") < page.index("<h2>Seen</h2>")
    assert page.count("<img ") == 2
    assert "<td>jpeg</td><td " in page


@pytest.mark.unit
def test_it_loads_and_runs_nothing(page: str):
    assert "http" not in page
    assert "<script" not in page


@pytest.mark.unit
def test_without_examples_there_is_one_picture():
    assert render_power_page(make_table(), []).count("<img ") == 1


@pytest.mark.unit
@pytest.mark.parametrize("sizes", [(50,), (50, 100, 200)])
def test_the_map_shades_what_is_found(sizes: tuple[int, ...]):
    image = _pixels(power_map(make_table(sizes)))
    assert min(image.shape[:2]) > 300
    # Blues: cells that are always found are dark, of which there are many.
    assert (image[..., 2] < 30).mean() > 0.1


@pytest.mark.unit
def test_what_was_not_tried_is_told_and_has_an_empty_cell():
    whole = make_table()
    table = without(whole, "class_shift", 3, 50, 100, 200)
    page = render_power_page(table, [])
    assert "class_shift 3 (70% of the images): not tried, for want of images" in page
    assert page.count("<td>class_shift</td>") == 6
    dark = [(_pixels(power_map(each))[..., 2] < 30).mean() for each in (whole, table)]
    assert dark[1] < dark[0]


@pytest.mark.unit
def test_strips_are_drawn_of_digits_and_of_photos(examples: list[Pixels]):
    rng = np.random.default_rng(0)
    for size in ((8, 8), (300, 500)):
        images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(2)]
        image = _pixels(corruption_strip(images))
        assert image.shape[1] > image.shape[0] > 300
    assert corruption_strip(examples) == corruption_strip(examples)


@pytest.mark.integration
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
def test_a_browser_shows_it_whole(page: str, tmp_path: Path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = tmp_path / "power.html"
    path.write_text(page, encoding="utf-8")
    chosen = find_chromium()
    assert chosen is not None
    with chromium(chosen) as browser:
        for width in (1200, 420):
            tab = browser.new_page(viewport={"width": width, "height": 900})
            watched = Watched(tab, path.as_uri())
            tab.goto(path.as_uri())
            assert tab.locator("h1").inner_text() == TITLE
            for image in tab.locator("img").all():
                assert image.evaluate("it => it.complete && it.naturalWidth > 300")
            tab.locator("summary").click()
            assert tab.locator("tbody tr").count() == len(make_table().entries)
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert tab.evaluate(overflow) == 0
            assert (watched.sent, watched.errors) == ([], [])
