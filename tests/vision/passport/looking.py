"""Looks at a page in a browser for what cannot be read there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Wide tables may scroll in their own box, the page may not.
TOO_WIDE = """() => [...document.querySelectorAll('body, body *')]
  .filter(e => !e.closest('.wide, pre') && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.tagName + ': ' + e.textContent.slice(0, 40))"""
PALE = """() => {
  const light = c => {
    const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => {
    const c = getComputedStyle(e).backgroundColor;
    return c === 'rgba(0, 0, 0, 0)' ? ground(e.parentElement) : c;
  };
  const found = new Set();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.add(e.tagName + '.' + e.className);
  }
  return [...found];
}"""


def look(browser: Browser, folder: Path, content: str) -> list[str]:
    """Returns what is wrong with a page on a desk and on a telephone, by day and by night."""
    file = folder / "page.html"
    file.write_text(content, encoding="utf-8")
    found: list[Any] = []
    shown = browser.new_page(viewport={"width": 1200, "height": 900})
    shown.on("dialog", lambda dialog: (found.append(dialog.message), dialog.dismiss()))
    shown.on("pageerror", lambda error: found.append(str(error)))
    shown.goto(file.as_uri())
    for scheme in ("light", "dark"):
        shown.emulate_media(color_scheme=scheme)
        found += shown.evaluate(PALE)
    found += shown.evaluate(TOO_WIDE)
    shown.set_viewport_size({"width": 400, "height": 900})
    found += shown.evaluate(TOO_WIDE)
    shown.close()
    return found
