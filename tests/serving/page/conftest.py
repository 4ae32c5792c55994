"""A browser on the page, and the service that it talks to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import Watched
from tests.fake_bundle import encode_image
from tests.serving.page.pretend import Pretend, draw_sunset, pretending

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What the browser says of every answer that is no success; the page tells the person.
OF_THE_BROWSER = "Failed to load resource"


@pytest.fixture
def service() -> Pretend:
    """What the service answers with."""
    return Pretend()


@pytest.fixture
def address(service: Pretend) -> Iterator[str]:
    """Where the service listens."""
    with pretending(service) as where:
        yield where


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page, each time as a browser of its own; no test may leave an error behind."""
    opened: list[Watched] = []

    def open_page(width: int = 1280, scheme: str = "light", script: str = "") -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="en-GB",
            timezone_id="UTC",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(10_000)
        if script:
            context.add_init_script(script)
        watched = Watched(context.new_page(), address)
        opened.append(watched)
        watched.page.goto(f"{address}/ui")
        return watched

    yield open_page
    for watched in opened:
        watched.page.context.close()
        assert watched.sent == []
        assert [error for error in watched.errors if not error.startswith(OF_THE_BROWSER)] == []


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The file of a drawn sunset."""
    path = tmp_path / "over the hills.png"
    path.write_bytes(encode_image(draw_sunset()))
    return path
