"""Decides who may call what: keys, pages of other sites, and requests a minute.

An admin key that is set is asked for wherever what is served is changed, whatever else is set.
Other keys are asked for where ``require_keys`` says so. By default that is everywhere but on a
loopback address, and there too once a key is set, or where a request shows that the service is
reached from elsewhere after all: forwarded by a proxy, or under another name than ``localhost`` (a
page whose own name was made to lead to this machine).

Without keys, what a page of another site may send from the browser of this machine is refused: a
form or a picture needs nobody's consent to be posted across sites.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from serving.access.keys import KeyRing, key_name, presented_key
from serving.access.listening import is_loopback, listens_on_loopback
from serving.access.rates import RateLimit
from serving.problems import NO_KEY, TOO_MANY, Kind, ProblemError
from serving.settings import ServiceSettings

FOREIGN_PAGE = Kind("foreign-page", "Page of another site", HTTPStatus.FORBIDDEN)

# Orchestrators ask these and have no keys.
PROBES = frozenset({"/livez", "/readyz", "/healthz"})
_DOCS = frozenset({"/", "/ui", "/openapi.json", "/docs.json", "/schema.json"})
_ADMIN = frozenset(
    {
        ("PUT", "/model"),
        ("POST", "/model/rollback"),
        ("PUT", "/model/candidate"),
        ("DELETE", "/model/candidate"),
    }
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes:
      key: which key was used, as the first 8 hex digits of its sha256; empty without one.
      is_admin: whether the caller may change what is served.
    """

    key: str = ""
    is_admin: bool = False


class Guard:
    """Checks every request but the probes; holds digests of keys, and no key.

    Args:
      settings: which keys there are, and what needs one.
      is_private: whether only this machine reaches the service; asked with the first request, and
        again as long as it cannot tell.
    """

    def __init__(
        self, settings: ServiceSettings, is_private: Callable[[], bool | None] = listens_on_loopback
    ) -> None:
        self._require = settings.require_keys
        self._users = KeyRing(settings.api_key)
        self._admins = KeyRing(settings.admin_key)
        self._origins = frozenset(settings.cors_origins)
        self._open = PROBES | (_DOCS if settings.open_docs else frozenset())
        self._open |= {"/metrics"} if settings.open_metrics else frozenset()
        per_minute = settings.requests_per_minute
        self._rates = RateLimit(per_minute) if per_minute else None
        self._ask_private = is_private
        self._is_private: bool | None = None

    def check(self, scope: Scope) -> Caller:
        """Returns who sent a request that may be answered.

        Raises:
          ProblemError: 401 a key is missing or wrong, 403 a page of another site sent it, 429 the
            caller sent too many.
        """
        if scope["path"] in PROBES:
            return Caller()
        headers = Headers(scope=scope)
        key = presented_key(headers)
        is_admin = bool(key) and key in self._admins
        is_known = is_admin or (bool(key) and key in self._users)
        self._count(f"key {key_name(key)}" if is_known else _address(scope))
        if is_known and (is_admin or not _is_admin_call(scope)):
            return Caller(key_name(key), is_admin)
        if scope["path"] in self._open:
            return Caller()
        if self._needs_key(scope, headers):
            self._refuse(scope, headers, bool(key))
        if scope["method"] not in _SAFE and self._is_foreign(headers):
            raise ProblemError(
                FOREIGN_PAGE,
                "A page of another site may not send this; name its origin in "
                "VISIONSTACK_CORS_ORIGINS, or send a key.",
            )
        return Caller(is_admin=True)

    def _count(self, caller: str) -> None:
        wait_s = 0.0 if self._rates is None else self._rates.take(caller)
        if wait_s > 0:
            retry = {"Retry-After": str(math.ceil(wait_s))}
            detail = f"Too many requests in a minute; send the next in {math.ceil(wait_s)} s."
            raise ProblemError(TOO_MANY, detail, retry)

    def _needs_key(self, scope: Scope, headers: Headers) -> bool:
        if self._admins and _is_admin_call(scope):
            return True
        if self._require != "auto":
            return self._require == "yes"
        if self._users:
            return True
        if self._is_private is None:
            self._is_private = self._ask_private()
        return not self._is_private or _is_from_elsewhere(headers)

    def _refuse(self, scope: Scope, headers: Headers, has_key: bool) -> NoReturn:
        """Says what is missing: to the operator where no key is set, else to the caller."""
        is_admin_call = _is_admin_call(scope)
        if not self._admins and (is_admin_call or not self._users):
            name = "VISIONSTACK_ADMIN_KEY" if is_admin_call else "VISIONSTACK_API_KEY"
            detail = f"This needs a key and the service has none: set {name} where it is started"
            if self._require == "auto" and not self._users:
                reason = "under another name or through a proxy" if self._is_private else ""
                reason = reason or "from other machines"
                detail += f" (it is reached {reason}; VISIONSTACK_REQUIRE_KEYS=no opens it to all)"
            detail += "."
        else:
            kind = "the admin key" if is_admin_call else "a key"
            wrong = "The key is not the right one; send" if has_key else "Send"
            detail = f"{wrong} {kind} as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
        raise ProblemError(NO_KEY, detail, _CHALLENGE)

    def _is_foreign(self, headers: Headers) -> bool:
        """Says whether a browser sent this for a page of another site."""
        origin = headers.get("origin", "")
        if origin in self._origins:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        return bool(origin) and urlsplit(origin).netloc != headers.get("host", "")


def _is_admin_call(scope: Scope) -> bool:
    return (scope["method"], scope["path"]) in _ADMIN


def _is_from_elsewhere(headers: Headers) -> bool:
    if any(name in headers for name in _FORWARDED):
        return True
    host = headers.get("host", "")
    return bool(host) and not is_loopback(_host_name(host))


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"address {client[0]}" if client else "address unknown"
