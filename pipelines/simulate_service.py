"""A running service, as its callers see it; it is told that they simulate."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vision.errors import VisionError
from vision.monitoring.simulated import mark

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 60.0
_N_TRIES = 6
_LONGEST_WAIT_S = 5.0
_BUSY = (429, 503)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ServiceError(VisionError):
    """The service does not do what it is asked for, and will not for the next image either."""


class RefusedError(VisionError):
    """The service refuses one image."""


@dataclass(frozen=True)
class Address:
    """How a service is reached.

    Attributes:
      url: without a slash at its end.
      key: what it asks for; None where it asks for none.
      key_from: the variable that the key is from.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    key_from: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the service says about drift.

    Attributes:
      status: ``unknown``, ``ok``, ``drift`` or ``error``.
      checked_at: when the check ran, as the service writes it; empty before the first.
      n_images: predictions that the check had.
    """

    status: str
    checked_at: str
    n_images: int

    @classmethod
    def of(cls, answer: dict[str, Any]) -> Verdict:
        """Takes it from a part of an answer."""
        return cls(
            str(answer.get("status", "unknown")),
            str(answer.get("checked_at") or ""),
            int(answer.get("n_images") or 0),
        )


@dataclass(frozen=True)
class Answer:
    """What came back for an image."""

    request_id: str
    label: str
    verdict: Verdict


class Service:
    """Asks a service; several threads may use it at once, and connections are kept."""

    def __init__(self, where: Address, n_connections: int = 1) -> None:
        """Opens no connection yet."""
        import httpx  # takes a tenth of a second, and no other command needs it

        self._url, self._key_from, self._has_key = where.url, where.key_from, bool(where.key)
        self._client = httpx.Client(
            base_url=where.url,
            headers={
                "X-Request-ID": mark(),
                **({"Authorization": f"Bearer {where.key}"} if where.key else {}),
            },
            timeout=_TIMEOUT_S,
            limits=httpx.Limits(max_connections=n_connections + 1),
            # A proxy cannot reach this machine's own loopback.
            trust_env=urlsplit(where.url).hostname not in _LOOPBACK,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def model(self) -> dict[str, Any]:
        """Returns what the service says about the model version that it serves.

        Raises:
          ServiceError: it does not answer so.
        """
        return self._json(self._ask("GET", "/model"))

    def drift(self) -> dict[str, Any]:
        """Returns the last drift checks.

        Raises:
          ServiceError: it does not answer so.
        """
        return self._json(self._ask("GET", "/drift"))

    def predict(self, data: bytes) -> Answer:
        """Sends the bytes of an image file.

        Raises:
          RefusedError: this image is refused.
          ServiceError: the service takes none.
        """
        found = self._json(self._ask("POST", "/predict", files={"image": ("image", data)}))
        try:
            label = str(found["prediction"]["label"])
            return Answer(str(found["request_id"]), label, Verdict.of(found["drift"]))
        except (KeyError, TypeError) as error:
            raise self._is_another("/predict") from error

    def feedback(self, request_id: str, labels: tuple[str, ...]) -> None:
        """Tells what an image really was.

        Raises:
          ServiceError: the service takes no feedback.
        """
        given = {"request_id": request_id, "labels": list(labels), "who": "run.py simulate"}
        try:
            self._ask("POST", "/feedback", json=given)
        except RefusedError as error:
            raise ServiceError(f"the service takes no feedback: {error}") from error

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Asks, a few times where the service is busy, and returns an answer that is a success."""
        for n_tries in range(1, _N_TRIES + 1):
            response = self._send(method, path, **content)
            if response.status_code not in _BUSY:
                break
            if n_tries < _N_TRIES:
                time.sleep(_wait_s(response, n_tries))
        status, detail = response.status_code, _detail(response)
        if status < 300:
            return response
        if status in _BUSY:
            raise ServiceError(
                f"{self._url}{path} answered {status} {_N_TRIES} times: {detail}; send fewer with "
                "--rate, or look at what the service prints"
            )
        if status in (401, 403):
            raise self._needs_key(status, detail)
        if status in (404, 405) and path != "/feedback":
            raise self._is_another(path)
        raise RefusedError(f"{status}: {detail}")

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        import httpx

        try:
            try:
                return self._client.request(method, path, **content)
            except httpx.RemoteProtocolError:
                # An idle connection that the service has just closed; a new one may do.
                return self._client.request(method, path, **content)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ServiceError(
                f"no service answers at {self._url} ({why}); start one with `make serve`, or name "
                "another with --url"
            ) from error

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found = response.json()
        except ValueError as error:
            raise self._is_another(response.url.path) from error
        if not isinstance(found, dict):
            raise self._is_another(response.url.path)
        return found

    def _is_another(self, path: str) -> ServiceError:
        return ServiceError(
            f"what answers at {self._url} is no service of this project: {path} is not what it "
            "should be; name the right one with --url"
        )

    def _needs_key(self, status: int, detail: str) -> ServiceError:
        if self._has_key:
            move = f"put the right one into {self._key_from}"
        else:
            move = "name the variable that holds one with --api-key-from"
        return ServiceError(f"{self._url} asks for a key ({status}: {detail}); {move}")


def _wait_s(response: httpx.Response, n_tries: int) -> float:
    try:
        asked_s = float(response.headers.get("Retry-After", ""))
    except ValueError:
        asked_s = 0.1 * 2.0**n_tries
    return min(max(asked_s, 0.0), _LONGEST_WAIT_S)


def _detail(response: httpx.Response) -> str:
    """Returns what a refusal says, on one line."""
    try:
        found = response.json()
        text = str(found["detail"])
    except (ValueError, KeyError, TypeError):
        text = response.text[:200] or response.reason_phrase
    return " ".join(text.split()).rstrip(".")
