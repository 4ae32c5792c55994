"""Headers of every response, and what pages of other origins may read."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Scope

RawHeader = tuple[bytes, bytes]

# The page brings a policy of its own; answers have nothing to load, frame or keep.
SECURITY: tuple[RawHeader, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_METHODS = "GET, POST, PUT, DELETE"
_REQUEST_HEADERS = "Authorization, Content-Type, X-API-Key, X-Request-ID"
_READABLE = b"X-Request-ID, Retry-After, X-Label, X-Probability, X-Model-Version"
_PREFLIGHT_LASTS_S = 600


def add_headers(message: Message, extra: Iterable[RawHeader]) -> None:
    """Adds the security headers that the start of a response has not, and ``extra``."""
    headers = message["headers"] = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    headers.extend(header for header in SECURITY if header[0] not in present)
    headers.extend(extra)


class CrossOrigin:
    """Lets pages of the given origins call the service, and those of no other.

    Args:
      origins: each as a browser sends it, such as ``https://lab.example``; none by default.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins) - {"*", "null"}

    def headers(self, scope: Scope) -> tuple[RawHeader, ...]:
        """Returns what the response to a request of a page needs, so that the page may read it."""
        if not self._origins:
            return ()
        origin = Headers(scope=scope).get("origin", "")
        # Whoever keeps the answer must not hand it to a page of another origin.
        vary = (b"vary", b"Origin")
        if origin not in self._origins:
            return (vary,)
        return (
            vary,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _READABLE),
        )

    def preflight(self, scope: Scope) -> Response | None:
        """Returns the answer to a browser that asks before it sends; None for other requests."""
        if scope["method"] != "OPTIONS" or not self._origins:
            return None
        headers = Headers(scope=scope)
        is_asked = "access-control-request-method" in headers
        if not is_asked or headers.get("origin", "") not in self._origins:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _REQUEST_HEADERS,
                "Access-Control-Max-Age": str(_PREFLIGHT_LASTS_S),
            },
        )
