"""The door of the service: every request passes here first.

It sits as middleware in front of BentoML's own app. BentoML answers what only it knows (metrics,
and the schema for its Python client); all else is answered by :mod:`serving.routes`, because
BentoML's typed inputs answer 500 to most bad images, fetch URLs, and have two shapes of errors.
"""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.models.host import ModelHost
from serving.routes import Routes
from serving.upload import UploadLimits

BENTOML_PATHS = frozenset({"/metrics", "/schema.json"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Gateway:
    """ASGI middleware that gives each request an id and sends it to the app that answers it."""

    def __init__(self, app: ASGIApp, host: ModelHost, limits: UploadLimits | None = None) -> None:
        self._bentoml = app
        self._routes = Routes(host, limits or UploadLimits()).app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes on what is none (start and end of the process)."""
        if scope["type"] != "http":
            await self._bentoml(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        app = self._bentoml if scope["path"] in BENTOML_PATHS else self._routes
        await app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its response, with the headers that every response gets."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        self.request_id = asked if _REQUEST_ID.fullmatch(asked) else uuid.uuid4().hex
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._is_body_left = has_body
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """Passes the next piece of the body on."""
        message = await self._receive()
        self._is_body_left = self._is_body_left and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Passes the next piece of the response on."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            headers["X-Content-Type-Options"] = "nosniff"
            if self._is_body_left:
                # Else the server reads the rest of the body only to throw it away.
                headers["Connection"] = "close"
        await self._send(message)
