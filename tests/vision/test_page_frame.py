"""The frame of a page: what it says of itself, and that it loads nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Template

import pytest

from tests.self_contained import what_it_loads
from vision.page_frame import light_frame, themed_frame

pytestmark = pytest.mark.unit
STYLE = "b { color: var(--soft); }\n"
SCHEMES = {light_frame: "light", themed_frame: "light dark"}

Frame = Callable[[str, str], Template]


@pytest.mark.parametrize("frame", SCHEMES)
def test_it_holds_the_title_the_facts_and_the_content_in_order(frame: Frame) -> None:
    page = frame(STYLE, "$said\n").substitute(title="A & B", facts="1 fact", said="<b>$5</b>")
    head, body = page.split("<body>")
    assert page.startswith("<!DOCTYPE html>\n")
    assert "<title>A & B</title>" in head
    shown = '\n<h1>A & B</h1>\n<p class="facts">1 fact</p>\n<b>$5</b>\n</body>\n</html>\n'
    assert body == shown


@pytest.mark.parametrize("frame", SCHEMES)
def test_the_theme_is_named_where_nothing_styles_the_page(frame: Frame) -> None:
    page = frame(STYLE, "").template
    assert f'<meta name="color-scheme" content="{SCHEMES[frame]}">' in page
    assert f"color-scheme: {SCHEMES[frame]};" in page


@pytest.mark.parametrize("frame", SCHEMES)
def test_it_loads_nothing_and_runs_nothing(frame: Frame) -> None:
    assert what_it_loads(frame("", "").template) == []


@pytest.mark.parametrize(
    "planted",
    [
        '<img src="other.png">',
        '<link rel="icon" href="icon.svg">',
        "<script>alert(1)</script>",
        "<style>@import 'other.css'</style>",
        "<style>b { background: url(other.png) }</style>",
        "<meta http-equiv=refresh content='0; https://example.com'>",
    ],
)
def test_what_a_page_loads_is_found(planted: str) -> None:
    """The oracle itself: planted faults in what may hold a picture and a word."""
    page = '<p>httpx</p><img src="data:image/png;base64,AA==">'
    assert what_it_loads(page) == []
    assert what_it_loads(f"{page}{planted}")


@pytest.mark.parametrize("frame", SCHEMES)
def test_the_style_of_a_page_comes_last(frame: Frame) -> None:
    assert f"\n{STYLE}</style>" in frame(STYLE, "").template


def test_each_colour_has_a_value_by_day_and_one_by_night() -> None:
    page = themed_frame("", "").template
    day, night = page.split("@media (prefers-color-scheme: dark)")
    colours = [re.findall(r"(--[\w-]+): #", part) for part in (day, night)]
    assert colours[0] == colours[1]
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) <= set(colours[0])
