"""Tests of serving/page/page.py, and of what the file may not hold."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from serving.page import page_response
from serving.page.page import PAGE_FILE

pytestmark = pytest.mark.unit

TEXT = PAGE_FILE.read_text(encoding="utf-8")


async def answer(request: Request) -> Response:
    return page_response(request)


@pytest.fixture
def page() -> TestClient:
    return TestClient(Starlette(routes=[Route("/ui", answer)]))


class Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(TEXT)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def policy_of(page: TestClient) -> dict[str, list[str]]:
    header = page.get("/ui").headers["content-security-policy"]
    parts = (part.split() for part in header.split(";"))
    return {name: values for name, *values in parts}


def test_the_page_is_the_file(page: TestClient) -> None:
    response = page.get("/ui")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == TEXT
    assert len(response.content) <= 60_000


def test_se10_the_policy_allows_this_script_and_style_only(page: TestClient) -> None:
    policy = policy_of(page)
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", TEXT, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy.pop(f"{tag}-src") == [f"'sha256-{digest}'"]
    assert policy == {
        "default-src": ["'none'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["blob:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }


def test_se10_the_other_headers(page: TestClient) -> None:
    headers = page.get("/ui").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["permissions-policy"] == "camera=(self), microphone=(), geolocation=()"
    assert headers["cache-control"] == "no-cache"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("how", ["{}", "W/{}", '"other", {}', "*"])
def test_a_browser_that_has_it_gets_no_body(page: TestClient, how: str) -> None:
    etag = page.get("/ui").headers["etag"]
    response = page.get("/ui", headers={"If-None-Match": how.format(etag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag
    assert "script-src" in response.headers["content-security-policy"]


def test_a_browser_that_has_another_gets_it(page: TestClient) -> None:
    response = page.get("/ui", headers={"If-None-Match": '"other"'})
    assert (response.status_code, response.text) == (200, TEXT)


def test_the_file_is_read_once(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = page.get("/ui")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("read again"))
    assert page.get("/ui").content == first.content


def test_nothing_in_it_names_another_host() -> None:
    # The name of SVG's namespace looks like an address and is none.
    addresses = re.findall(r"(?:https?:|[\"'])//[^\s\"']+", TEXT)
    assert addresses == ["http://www.w3.org/2000/svg"]
    assert "@import" not in TEXT
    assert "url(" not in TEXT


def test_nothing_in_it_turns_text_into_markup() -> None:
    doors = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(")
    assert [door for door in doors if door in TEXT] == []
    for tag, attributes in Elements().found:
        assert [name for name in attributes if name.startswith("on") or name == "style"] == [], tag


def test_every_id_that_the_script_uses_is_there_once() -> None:
    ids = [attributes["id"] for _, attributes in Elements().found if "id" in attributes]
    used = set(re.findall(r'\$\("([\w-]+)"\)', TEXT)) | set(re.findall(r'show\("([\w-]+)"', TEXT))
    assert len(ids) == len(set(ids))
    assert used - set(ids) == set()
