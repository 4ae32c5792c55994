"""A running service as a roll-out sees it: its interface for administrators and its metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from steps.promotion.services import find_key
from steps.rollout.snapshot import Snapshot, read_snapshot
from vision.errors import VisionError

if TYPE_CHECKING:
    import httpx

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONNECTS_WITHIN_S, _ANSWERS_WITHIN_S = 2.0, 60.0
# Connections are not kept, so each of these may be answered by another worker.
_N_ANSWERS = 8
_ASK_AGAIN_S = 0.1


class RollOutError(VisionError):
    """A service does not answer, or not with the version that it was told to serve."""


class UnreachableError(RollOutError):
    """Nothing answers at the address of a service."""


@dataclass(frozen=True)
class Version:
    """A model version as a service names it."""

    name: str
    version: str


@dataclass(frozen=True)
class ServiceClient:
    """A service behind an address, of one worker or several.

    Attributes:
      address: without a slash at its end.
      key: the admin key; None where the service asks for none.
    """

    address: str
    key: str | None = field(default=None, repr=False)

    def served(self) -> Version | None:
        """Returns what the next worker serves; None while it has no model.

        Raises:
          UnreachableError: nothing answers.
        """
        return _version(self._ask("GET", "/readyz"), "model")

    def activate(self, name: str, version: str) -> int:
        """Serves a version from now on, and returns the generation of the pointer.

        Raises:
          UnreachableError: nothing answers.
          RollOutError: the service refuses.
        """
        answer = self._change("PUT", "/model", {"name": name, "version": version})
        return int(answer["generation"])

    def propose(
        self,
        name: str,
        version: str,
        mode: Literal["shadow", "canary"],
        share: float,
        for_s: float,
    ) -> None:
        """Tries a version beside the one that is served, for so many seconds at most.

        Raises:
          UnreachableError: nothing answers.
          RollOutError: the service refuses.
        """
        choice = {"name": name, "version": version, "mode": mode, "share": share, "for_s": for_s}
        self._change("PUT", "/model/candidate", choice)

    def tried(self) -> Version | None:
        """Returns what is tried beside the served version; None where nothing is.

        Raises:
          UnreachableError: nothing answers.
        """
        return _version(self._ask("GET", "/model"), "candidate")

    def end_trial(self) -> None:
        """Tries nothing any more.

        Raises:
          UnreachableError: nothing answers.
          RollOutError: the service refuses.
        """
        self._change("DELETE", "/model/candidate")

    def snapshot(self) -> Snapshot:
        """Returns what was counted since the service has started.

        Raises:
          UnreachableError: nothing answers.
          RollOutError: the service does not show its metrics.
        """
        response = self._ask("GET", "/metrics")
        if response.status_code != 200:
            raise RollOutError(
                f"{self.address}/metrics answers {response.status_code}; give the roll-out the "
                "admin key (deployment.admin_key_from), or set VISIONSTACK_OPEN_METRICS=yes"
            )
        return read_snapshot(response.text)

    def wait_for(self, version: Version, generation: int, deadline: float) -> None:
        """Waits until every worker serves a version and says that it is ready.

        Args:
          version: the version.
          generation: of the pointer to it, at least; 0 where the champion is followed.
          deadline: of :func:`time.monotonic`.

        Raises:
          UnreachableError: nothing answers at the deadline.
          RollOutError: at the deadline a worker served something else.
        """
        n_answers, problem = 0, ""
        while n_answers < _N_ANSWERS:
            try:
                found = self.served()
                problem = "" if found == version else _other(found)
                if not problem and n_answers + 1 == _N_ANSWERS:
                    problem = self._lagging(version, generation)
            except RollOutError as error:
                problem = str(error)
            n_answers = 0 if problem else n_answers + 1
            if problem:
                if time.monotonic() >= deadline:
                    raise RollOutError(
                        f"{self.address} is not ready with {version.name} {version.version}: "
                        f"{problem}; look at its /readyz, or give it more time (ready_s)"
                    )
                time.sleep(_ASK_AGAIN_S)

    def _lagging(self, version: Version, generation: int) -> str:
        """Says which workers serve something else: a busy one may have answered none of the asked.

        Where the champion is followed, all generations are 0, and the versions alone tell.
        """
        found = self.snapshot()
        if n_late := sum(each < generation for each in found.generations):
            return f"{n_late} of its workers serve something older"
        others = sorted(found.served - {(version.name, version.version)})
        return f"one of its workers serves {' '.join(others[0])}" if others else ""

    def _change(self, method: str, path: str, choice: dict[str, Any] | None = None) -> Any:
        response = self._ask(method, path, choice)
        if response.status_code in (401, 403):
            raise RollOutError(
                f"{self.address} asks for the admin key; name the environment variable that holds "
                "it in deployment.admin_key_from"
            )
        if response.status_code != 200:
            raise RollOutError(
                f"{self.address} refused {method} {path} ({response.status_code}: "
                f"{_detail(response)})"
            )
        return response.json()

    def _ask(self, method: str, path: str, choice: dict[str, Any] | None = None) -> httpx.Response:
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx.Timeout(_ANSWERS_WITHIN_S, connect=_CONNECTS_WITHIN_S)
        is_far = urlsplit(self.address).hostname not in _LOOPBACK
        try:
            return httpx.request(
                method,
                f"{self.address.rstrip('/')}{path}",
                json=choice,
                headers=headers | {"Connection": "close"},
                timeout=timeout,
                trust_env=is_far,
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise UnreachableError(f"{self.address} cannot be reached ({why})") from error


def find_services(addresses: tuple[str, ...], admin_key_from: str | None) -> list[ServiceClient]:
    """Returns the services of a configuration, each with the admin key.

    Raises:
      ConfigError: a variable was named that is not set.
    """
    key = find_key(admin_key_from)
    return [ServiceClient(address.rstrip("/"), key) for address in addresses]


def _version(response: httpx.Response, key: str) -> Version | None:
    try:
        found = response.json()[key]
        return Version(str(found["name"]), str(found["version"]))
    except (ValueError, KeyError, TypeError):
        return None


def _other(found: Version | None) -> str:
    return f"it serves {found.name} {found.version}" if found else "it has no model"


def _detail(response: httpx.Response) -> str:
    try:
        text = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = response.text[:200] or response.reason_phrase
    return " ".join(text.split())
