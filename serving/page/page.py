"""The page at ``/ui``: one file that holds its own style and script, and asks no other host.

The browser runs only the script and the style whose sha256 the policy names, so text that found its
way into the markup could neither run nor change the looks. The hashes are taken from the file as it
is sent; there is nothing to keep in step.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

PAGE_FILE = Path(__file__).with_name("page.html")

_POLICY = (
    "default-src 'none'",
    "img-src 'self' data: blob:",
    "media-src blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    # No text becomes markup or script by any of the DOM's doors.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)


@dataclass(frozen=True)
class _Page:
    body: bytes
    policy: str
    etag: str


def page_response(request: Request) -> Response:
    """Returns the page, or 304 without it where the browser has it already."""
    page = _read_page()
    headers = {
        "Content-Security-Policy": page.policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Cache-Control": "no-cache",
        "ETag": page.etag,
    }
    # A proxy that compresses marks the tag as weak; the page is the same.
    asked = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    if page.etag in known or "*" in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(page.body, media_type="text/html", headers=headers)


@cache
def _read_page() -> _Page:
    # Read as text, so that line ends are those the browser computes its hashes over.
    text = PAGE_FILE.read_text(encoding="utf-8")
    sources = (f"{tag}-src {_hashes(text, tag)}" for tag in ("script", "style"))
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return _Page(body, "; ".join((*_POLICY, *sources)), etag)


def _hashes(text: str, tag: str) -> str:
    """Returns the policy's names for the contents of each such element."""
    contents = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", text, re.DOTALL)
    digests = (hashlib.sha256(each.encode()).digest() for each in contents)
    return " ".join(f"'sha256-{b64encode(digest).decode()}'" for digest in digests)
