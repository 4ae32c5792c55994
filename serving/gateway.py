"""The door of the service: every request passes here first.

It sits as middleware in front of BentoML's own app. BentoML answers what only it knows (the schema
for its Python client); all else is answered by the routes, because BentoML's typed inputs answer
500 to most bad images, fetch URLs, and have two shapes of errors.

The service must switch BentoML's metrics off and give a page of its own: BentoML counts by path,
before anything here is asked, so that 3,000 requests for paths that do not exist, without a key,
make 60,000 series and take 200 MB.

Here a request gets its id, its caller and its place in the waiting room, is refused where it may
not come in, and is noted once it is answered. Nothing here knows which routes there are: they
leave the path as the interface names it in ``scope["state"]["route"]``, and the kind of a problem
in ``scope["state"]["problem"]``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import anyio
import anyio.to_thread
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access import Caller, Guard, RateLimit, WaitingRoom
from serving.access.exchange import Exchange
from serving.access.guard import PROBES
from serving.access.headers import CrossOrigin
from serving.access.lines import keep_to_one_line
from serving.problems import BAD_REQUEST, INTERNAL, NOT_ALLOWED, ProblemError
from serving.record import CallRecord
from serving.settings import ServiceSettings
from serving.upload import UploadLimits

logger = logging.getLogger("bentoml.visionstack")

BENTOML_PATHS = frozenset({"/metrics", "/schema.json"})
# How a service is, is to be seen when it is overloaded most of all.
NEVER_REFUSED = PROBES | {"/metrics"}
# Takes no place among predictions, since it may wait for a database; it has few threads of its own.
LOOK_UP = "/predictions/"
UNRECORDED = PROBES | {"/metrics", "/ui"}

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
# Of the bodies of one size that a worker holds: two of the largest batches, four of the largest
# single images, and in either case many of the usual ones.
MIN_ROOM_BYTES = 64 * 1024 * 1024
# Refusals that are recorded a minute: whoever is refused must not be able to fill the log.
RECORDED_REFUSALS = 60

_READ_ONLY = {"Allow": "GET, HEAD"}

OnCall = Callable[[CallRecord], object]
OnRequest = Callable[[str, str, int, float], object]
MetricsPage = Callable[[], tuple[bytes, str]]


def _ignore(*_: object) -> None:
    """Stands for a log or metrics that nobody keeps."""


class Gateway:
    """ASGI middleware around BentoML's app.

    Args:
      app: BentoML's own.
      routes: answers all but BentoML's paths.
      guard: says who may come in.
      settings: how many may, and from which origins.
      on_call: takes a record of each call but probes, ``/metrics`` and the page.
      on_request: takes route, method, status and seconds of every request but ``/metrics``.
      metrics_page: gives content and media type of ``/metrics``; without it BentoML answers there.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: ASGIApp,
        guard: Guard,
        settings: ServiceSettings,
        on_call: OnCall = _ignore,
        on_request: OnRequest = _ignore,
        metrics_page: MetricsPage | None = None,
    ) -> None:
        self._bentoml = app
        self._routes = routes
        self._guard = guard
        self._cross_origin = CrossOrigin(settings.cors_origins)
        self._room = _room(settings)
        self._refusals = RateLimit(RECORDED_REFUSALS, max_callers=1)
        self._on_call = on_call
        self._on_request = on_request
        self._metrics_page = metrics_page
        # A page takes milliseconds; more at a time would only read the same files side by side.
        self._metrics_limiter = anyio.CapacityLimiter(1)
        keep_to_one_line(logging.getLogger("bentoml.access"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes on the start and the end of the process."""
        if scope["type"] == "lifespan":
            await self._bentoml(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            # There are no web sockets; BentoML's app would be asked without a key.
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        extra = self._cross_origin.headers(scope)
        exchange = Exchange(scope, receive, send, self._room, extra)
        scope.setdefault("state", {})["request_id"] = exchange.request_id
        is_refused = False
        try:
            await self._admit(scope, exchange)
        except ProblemError as problem:
            is_refused = "caller" not in scope["state"] or not exchange.is_admitted
            await exchange.refuse(problem)
        except Exception:
            # The last place where the one shape of errors can be kept. Passed on, the server would
            # log it a second time and cut the connection under the caller's next request.
            logger.exception("The request %s met a defect", exchange.request_id)
            await exchange.refuse(ProblemError(INTERNAL, "The service has a defect; see its log."))
        except asyncio.CancelledError:
            exchange.status = exchange.status or 504  # BentoML's time limit, which answers so
            raise
        finally:
            exchange.leave()
            self._note(scope, exchange, time.perf_counter() - start, is_refused)

    async def _admit(self, scope: Scope, exchange: Exchange) -> None:
        """Lets a request in, or raises the problem that keeps it out."""
        _check_headers(scope)
        preflight = self._cross_origin.preflight(scope)
        if preflight is not None:
            await preflight(scope, exchange.receive, exchange.send)
            return
        scope["state"]["caller"] = self._guard.check(scope)
        path = scope["path"]
        if path in BENTOML_PATHS and scope["method"] not in ("GET", "HEAD"):
            raise ProblemError(NOT_ALLOWED, "This is only read; send GET.", _READ_ONLY)
        if path not in NEVER_REFUSED and not path.startswith(LOOK_UP):
            exchange.enter()
        exchange.is_admitted = True
        app = self._routes
        if path == "/metrics" and self._metrics_page:
            app = await _metrics(self._metrics_page, self._metrics_limiter)
        elif path in BENTOML_PATHS:
            app = self._bentoml
        await app(scope, exchange.receive, exchange.send)

    def _note(self, scope: Scope, exchange: Exchange, seconds: float, is_refused: bool) -> None:
        if scope["path"] == "/metrics":
            return
        state = scope["state"]
        route, status = state.get("route", ""), exchange.status or 500
        self._on_request(route, scope["method"], status, seconds)
        if scope["path"] in UNRECORDED or (is_refused and self._refusals.take("") > 0):
            return
        self._on_call(
            CallRecord(
                request_id=exchange.request_id,
                method=scope["method"],
                route=route,
                status=status,
                latency_s=seconds,
                caller=state.get("caller", Caller()).key,
                problem=state.get("problem", ""),
            )
        )


def _room(settings: ServiceSettings) -> WaitingRoom:
    limits = UploadLimits.of(settings)
    small, large = limits.max_body_bytes, limits.max_batch_body_bytes
    return WaitingRoom(
        settings.max_waiting,
        max(2 * large, MIN_ROOM_BYTES),
        small_bytes=small,
        max_small_bytes=max(4 * small, MIN_ROOM_BYTES),
    )


async def _metrics(page: MetricsPage, limiter: anyio.CapacityLimiter) -> Response:
    """Returns the metrics; a thread of their own reads the files of all workers."""
    content, media_type = await anyio.to_thread.run_sync(page, limiter=limiter)
    return Response(content, headers={"Content-Type": media_type})


def _check_headers(scope: Scope) -> None:
    headers = scope["headers"]
    n_bytes = sum(len(name) + len(value) for name, value in headers) + len(scope["query_string"])
    if len(headers) > MAX_HEADERS or n_bytes > MAX_HEADER_BYTES:
        raise ProblemError(
            BAD_REQUEST,
            f"The request may have {MAX_HEADERS} headers of {MAX_HEADER_BYTES:,} bytes at most.",
        )
