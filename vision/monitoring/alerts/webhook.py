"""Posts a message as JSON to an address that is a secret: whoever has it can post.

The address comes from an environment variable, and only that variable's name is ever shown.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import delivery
from vision.monitoring.alerts.delivery import NotDelivered, keep_trying, secret
from vision.monitoring.alerts.message import Message
from vision.monitoring.alerts.shapes import shape_payload

_TOO_MANY = 429


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are refused: the message would go, as a GET without it, to somewhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def send_webhook(message: Message, alert: AlertConfig, environment: Mapping[str, str]) -> str:
    """Posts a message, with two more tries where the server is down, busy or silent.

    Returns:
      what happened, in a sentence.

    Raises:
      NotDelivered: the server did not take it.
    """
    assert alert.url_from is not None
    url = secret(alert.url_from, environment)
    if not _is_address(url):
        raise NotDelivered(
            f"the environment variable {alert.url_from} holds no address of the form "
            "https://host/path; copy it again from the service"
        )
    body = json.dumps(shape_payload(alert.shape, message)).encode()
    return keep_trying(lambda: _post(url, body))


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0  # reading it checks it
    except ValueError:
        return False
    # urllib would take a user and password for a part of the host's name.
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    return has_port and is_web and url.isascii() and url.isprintable() and " " not in url


def _post(url: str, body: bytes) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": "visionstack"}
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - is_address
    try:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=delivery.TIMEOUT_S) as answer:
            return f"delivered, the server answered {answer.status}"
    except urllib.error.HTTPError as error:
        status = error.code
        error.close()
    except (OSError, HTTPException, ValueError) as error:
        raise _no_answer(error) from None
    may_pass = status >= 500 or status == _TOO_MANY
    hint = "" if may_pass else "; check the address and the alert's shape"
    raise NotDelivered(f"the server answered {status}{hint}", may_pass=may_pass)


def _no_answer(error: Exception) -> NotDelivered:
    """Says why there was no answer, in words of our own: the error's may hold the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return NotDelivered(
            f"the server's certificate is not trusted (code {reason.verify_code}); where its "
            "authority is your own, name its file in SSL_CERT_FILE"
        )
    if isinstance(reason, TimeoutError):
        return NotDelivered(f"no answer within {delivery.TIMEOUT_S:g} s", may_pass=True)
    if isinstance(reason, OSError):
        said = reason.strerror if reason.errno else None
        return NotDelivered(
            f"no connection to the server ({said or type(reason).__name__})", may_pass=True
        )
    return NotDelivered(f"no answer that is HTTP ({type(reason).__name__})", may_pass=True)
