"""The recent predictions, which one browser keeps for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.page.conftest import Open
from tests.serving.page.pretend import Pretend

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_they_stay_in_this_browser_only(open_page: Open, image: Path) -> None:
    page, other = open_page().page, open_page().page
    page.set_input_files("#file", image)
    page.locator("#result").wait_for()
    page.reload()
    recent = page.get_by_role("region", name="Recent predictions").get_by_role("listitem")
    assert recent.all_inner_texts()[0].startswith("sunset\n93.4%\n")
    assert recent.locator("img").evaluate("(e) => [e.naturalWidth, e.naturalHeight]") == [160, 120]
    other.reload()
    other.get_by_text("None yet.").wait_for()


def test_one_can_be_looked_at_again_and_marked(
    open_page: Open, service: Pretend, image: Path
) -> None:
    page = open_page().page
    page.set_input_files("#file", image)
    page.locator("#result").wait_for()
    request = page.locator("#request-id").inner_text()
    page.reload()
    page.locator("#recent button").press("Enter")
    assert page.locator("#request-id").inner_text() == request
    assert page.locator("#bars li").count() == 5
    page.get_by_text("Only a small picture was kept, and no heatmap.").wait_for()
    page.locator("#preview[width='160']").wait_for()
    page.get_by_role("button", name="Right").click()
    page.locator("#recent li", has_text="93.4% · right").wait_for()
    assert service.seen[-1][2] == {"request_id": request, "labels": ["sunset"]}
    page.reload()
    page.locator("#recent button").click()
    assert page.get_by_text("Marked as right.").first.is_visible()


def test_no_more_than_twelve_are_kept_and_all_can_go(open_page: Open, image: Path) -> None:
    page = open_page().page
    for n in range(14):
        page.set_input_files("#file", image)
        page.locator(f"#recent li:nth-child({min(n + 1, 12)})").wait_for()
        page.locator("#result").wait_for()
    assert page.locator("#recent [aria-current]").count() == 1
    assert page.evaluate("localStorage['visionstack.recent'].length") < 200_000
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("None yet.").wait_for()
    assert page.evaluate("JSON.parse(localStorage['visionstack.recent'])") == []


def test_a_browser_that_keeps_nothing_still_predicts(open_page: Open, image: Path) -> None:
    forbid = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});"
    page = open_page(script=forbid).page
    page.set_input_files("#file", image)
    page.locator("#result").wait_for()
    assert page.get_by_text("None yet.").is_visible()


def test_what_others_wrote_there_does_no_harm(open_page: Open) -> None:
    page = open_page().page
    for junk in ("{", "null", "7", '[null, 3, {"id": "x"}]'):
        page.evaluate("(junk) => { localStorage['visionstack.recent'] = junk; }", junk)
        page.reload()
        page.get_by_text("The model knows 7 classes").wait_for()
        assert page.get_by_text("None yet.").is_visible()
