"""Headless Chromium on ZenML's dashboard: what it shows, asks other hosts for, and complains of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

# Without these Chromium itself talks to its maker, and will not start as root.
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_MARGIN_PX = 16
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Returns the path of a Chromium of this machine."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """Runs headless Chromium inside the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_OPTIONS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, what it sent to other hosts, and the errors in its console."""

    page: Page
    address: str
    sent: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A request that the page's own policy forbids is announced as well, but fails unsent.
        self.page.on("requestfinished", self._note)
        self.page.on("requestfailed", lambda r: None if r.failure == "csp" else self._note(r))
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.sent.append(request.url)

    def _complain(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def open_run(self, run: str) -> None:
        """Opens the page of a pipeline run and waits for its graph."""
        self.page.goto(f"{self.address}/projects/default/runs/{run}")
        self.page.locator(".react-flow__node").first.wait_for()
        self.page.wait_for_function("document.fonts.status === 'loaded'")

    def open_artifact(self, name: str) -> Locator:
        """Opens what an artifact of the shown run has to look at, and returns it."""
        self.page.locator(".react-flow__node").get_by_text(name, exact=True).click()
        self.page.get_by_role("tab", name="Visualization").last.click()
        self.page.get_by_role("button", name="Load Preview").click()
        shown = self.page.get_by_role("dialog").locator("iframe, img[src^='data:image/']").last
        shown.wait_for()
        self.page.wait_for_timeout(1000)  # the panel slides in
        return shown

    def save(self, path: Path, down_to: Locator | None = None) -> None:
        """Writes a picture of the page, or of the panel that ends with what is given."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if down_to is None:
            self.page.screenshot(path=path)
            return
        box = down_to.bounding_box()
        assert box is not None
        left, height = box["x"] - _MARGIN_PX, box["y"] + box["height"] + _MARGIN_PX
        width = box["width"] + 2 * _MARGIN_PX
        self.page.screenshot(path=path, clip={"x": left, "y": 0, "width": width, "height": height})
