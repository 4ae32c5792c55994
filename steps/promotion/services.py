"""A running service as a rollback sees it: told to serve a version, and asked until it does.

Where nothing was ever activated, the service follows the champion by itself; it is given a moment
for that, since a version that is activated would stay when the next champion comes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from steps.rollout.snapshot import read_snapshot
from vision.errors import ConfigError, VisionError
from vision.home import home

if TYPE_CHECKING:
    import httpx

KEY_VARIABLE = "VISIONSTACK_ADMIN_KEY"

_ACTIVE_FILE = ("serving", "active.json")
_FOLLOWS_WITHIN_S = 2.5
# The workers of a service look about every second; answers come from any of them.
_AGREES_WITHIN_S = 10.0
# How long answers must agree where the service does not show what each of its workers serves.
_AGREES_FOR_S = 1.5
_HIDDEN = (401, 403, 404)
_BEHIND = (
    f"and {_AGREES_WITHIN_S:.0f} s later still answers with another one too; look at its /readyz, "
    "and at visionstack_model_info in its /metrics"
)
_N_ANSWERS = 8
_ASK_AGAIN_S = 0.05
# Metrics count against the limit of requests, if there is one.
_LOOK_AGAIN_S = 0.5
_CONNECTS_WITHIN_S, _LOADS_WITHIN_S = 2.0, 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServiceAwayError(VisionError):
    """Nothing answers at the address of a service."""


class ServiceRefusedError(VisionError):
    """A service does not serve the version that it was told to."""


class Service(Protocol):
    """What a rollback tells the version to."""

    @property
    def address(self) -> str:
        """Where it answers."""

    def serve(self, name: str, version: str) -> None:
        """Serves a version; returns once all of its workers do.

        Raises:
          ServiceAwayError: nothing answers.
          ServiceRefusedError: it does not serve it, and says why.
        """


@dataclass(frozen=True)
class HttpService:
    """A service behind an address.

    Attributes:
      address: without a slash at its end.
      key: the admin key; None where the service asks for none.
      key_from: the variable that it is from.
    """

    address: str
    key: str | None = field(default=None, repr=False)
    key_from: str = KEY_VARIABLE

    def serve(self, name: str, version: str) -> None:
        """Serves a version; returns once eight answers in a row, and every worker, name it.

        A busy worker may answer none of the eight, so the metrics are asked too. Where the service
        does not show them, answers must agree for longer than workers take to look.

        Raises:
          ServiceAwayError: nothing answers.
          ServiceRefusedError: it does not serve it, and says why.
        """
        import httpx

        limits = httpx.Limits(max_keepalive_connections=0)  # any worker may answer the next one
        timeout = httpx.Timeout(_LOADS_WITHIN_S, connect=_CONNECTS_WITHIN_S)
        is_far = urlsplit(self.address).hostname not in _LOOPBACK
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            with httpx.Client(
                base_url=self.address,
                headers=headers,
                timeout=timeout,
                limits=limits,
                trust_env=is_far,
            ) as client:
                self._serve(client, name, version)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ServiceAwayError(f"no service answers at {self.address} ({why})") from error

    def _serve(self, client: httpx.Client, name: str, version: str) -> None:
        if _is_following():
            _served(client)  # whether anything answers at all, before it is waited for
            if _begins(client, (name, version)):
                # Once it is told a version, it would not follow the next champion any more.
                if not _agrees(client, (name, version)):
                    raise ServiceRefusedError(f"{self.address} follows {name} {version}, {_BEHIND}")
                return
        response = client.put("/model", json={"name": name, "version": version})
        if response.status_code in (401, 403):
            move = f"the key in {self.key_from} is not it" if self.key else f"set {self.key_from}"
            raise ServiceRefusedError(f"{self.address} asks for the admin key: {move}")
        if response.status_code != 200:
            raise ServiceRefusedError(
                f"{self.address} does not serve {name} {version} "
                f"({response.status_code}: {_detail(response)})"
            )
        if not _agrees(client, (name, version)):
            raise ServiceRefusedError(f"{self.address} took {name} {version}, {_BEHIND}")


def find_key(variable: str | None = None) -> str | None:
    """Returns the admin key from the environment; the first of several.

    Args:
      variable: that holds it; by default the one that the service itself reads, if it is set.

    Raises:
      ConfigError: a variable was named that is not set.
    """
    keys = [
        key
        for part in os.environ.get(variable or KEY_VARIABLE, "").split(",")
        if (key := part.strip())
    ]
    if variable is not None and not keys:
        raise ConfigError([f"{variable} is not set; set it to the admin key of the services"])
    return keys[0] if keys else None


def _is_following() -> bool:
    """Tells whether nothing was ever activated on this machine."""
    return not home().joinpath(*_ACTIVE_FILE).exists()


def _begins(client: httpx.Client, wanted: tuple[str, str]) -> bool:
    """Tells whether a worker comes to serve a version without being told."""
    deadline = time.monotonic() + _FOLLOWS_WITHIN_S
    while _served(client) != wanted:
        if time.monotonic() >= deadline:
            return False
        time.sleep(_ASK_AGAIN_S)
    return True


def _agrees(client: httpx.Client, wanted: tuple[str, str]) -> bool:
    """Tells whether the service comes to answer with a version alone."""
    deadline = time.monotonic() + _AGREES_WITHIN_S
    n_answers, since, is_shown = 0, time.monotonic(), True
    while True:
        n_answers = n_answers + 1 if _served(client) == wanted else 0
        if 0 < n_answers < _N_ANSWERS:
            continue
        now = time.monotonic()
        if n_answers:
            shown = _shown(client) if is_shown else None
            is_shown = shown is not None
            if shown == {wanted} or (not is_shown and now - since >= _AGREES_FOR_S):
                return True
        else:
            since = now
        if now >= deadline and (is_shown or not n_answers):
            return False
        time.sleep(_LOOK_AGAIN_S if n_answers and is_shown else _ASK_AGAIN_S)


def _shown(client: httpx.Client) -> frozenset[tuple[str, str]] | None:
    """Returns what the workers serve; nothing where that is not known at the moment.

    None is returned where the service does not show it: it asks for a key, or a proxy does.
    """
    response = client.get("/metrics")
    if response.status_code == 200:
        return read_snapshot(response.text).served or None
    return None if response.status_code in _HIDDEN else frozenset()


def _served(client: httpx.Client) -> tuple[str, str] | None:
    """Returns name and version that the next worker serves; None where it has no model."""
    response = client.get("/readyz")
    try:
        model = response.json()["model"]
        return str(model["name"]), str(model["version"])
    except (ValueError, KeyError, TypeError):
        return None


def _detail(response: httpx.Response) -> str:
    try:
        text = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = response.text[:200] or response.reason_phrase
    return " ".join(text.split())
