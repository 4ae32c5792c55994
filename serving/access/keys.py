"""Keys that callers present.

Only digests are kept, so that neither a dump nor a repr holds a key. A presented key is hashed and
its digest compared with every known one, in a time that does not depend on how much is right.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from pydantic import SecretStr
from starlette.datastructures import Headers

_NAME_LENGTH = 8


class KeyRing:
    """Keys of one kind; any of them opens, so that keys can be changed without a gap."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._digests = tuple(_digest(key.get_secret_value().encode()) for key in keys)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __contains__(self, key: str) -> bool:
        presented = _digest(_sent(key))
        is_known = False
        for known in self._digests:  # all of them, whichever matches
            is_known |= hmac.compare_digest(presented, known)
        return is_known


def key_name(key: str) -> str:
    """Returns what a key is called in logs: the first 8 hex digits of its sha256."""
    return _digest(_sent(key)).hex()[:_NAME_LENGTH]


def presented_key(headers: Headers) -> str:
    """Returns the key of ``Authorization: Bearer`` or else of ``X-API-Key``; empty without one.

    Nothing else of a request is looked at: the query ends in histories and in logs of proxies.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key", "").strip()


def _sent(key: str) -> bytes:
    """Returns the bytes of a header, which Starlette reads as Latin-1 whatever they are."""
    return key.encode("latin-1")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
