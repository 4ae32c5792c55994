"""How a service is told which version to serve, and when that counts as done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from steps.promotion import services
from steps.promotion.services import HttpService, ServiceAwayError, ServiceRefusedError, find_key
from tests.servers import free_port
from vision.errors import ConfigError

pytestmark = pytest.mark.integration


@dataclass
class FakeServer:
    """A service of several workers: each answer comes from the next one.

    Attributes:
      workers: the versions that they serve.
      put_status: how it answers when it is told a version.
      follows: whether its workers come to serve the version by themselves, one at each answer.
      key: the admin key.
      busy: the version of a further worker, which answers nothing for a while.
      busy_for: how often the metrics are looked at until that one, too, serves what the others do.
      metrics_status: how it answers when they are looked at.
    """

    url: str = ""
    workers: list[str] = field(default_factory=lambda: ["v2", "v2"])
    put_status: int = 200
    follows: str = ""
    key: str = ""
    told: list[dict[str, str]] = field(default_factory=list)
    n_asked: int = 0
    busy: str = ""
    busy_for: int = 0
    n_looks: int = 0
    metrics_status: int = 200

    def ready(self) -> tuple[int, dict[str, Any]]:
        place = self.n_asked % len(self.workers)
        self.n_asked += 1
        version = self.workers[place]
        if self.follows:
            self.workers[place] = self.follows
        return 200, {"status": "ready", "model": {"name": "shapes", "version": version}}

    def metrics(self) -> tuple[int, str]:
        self.n_looks += 1
        if self.metrics_status != 200:
            return self.metrics_status, "no"
        busy = self.busy if self.n_looks <= self.busy_for else ""
        served = sorted({*self.workers, *filter(None, [busy])})
        line = 'visionstack_model_info{{name="shapes",version="{}"}} 1.0\n'
        return 200, "".join(map(line.format, served))

    def put(self, body: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        if key != (f"Bearer {self.key}" if self.key else ""):
            return 401, {"detail": "no"}
        self.told.append(body)
        if self.put_status == 200:
            # The worker that answers changes at once, the others when they look.
            self.workers[0], self.follows = body["version"], body["version"]
        return self.put_status, {"detail": "VISIONSTACK_MODEL pins the served\n model"}


class Clock:
    """Stands for ``time``: only sleeping takes any."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(*fake.metrics())
                return
            status, content = fake.ready()
            self._answer(status, json.dumps(content))

        def do_PUT(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = fake.put(body, self.headers.get("Authorization", ""))
            self._answer(status, json.dumps(content))

        def _answer(self, status: int, content: str) -> None:
            data = content.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def activated(home: Path) -> None:
    """A service of this machine that serves what was activated."""
    (home / "serving").mkdir(parents=True)
    (home / "serving/active.json").write_text("{}")


@pytest.mark.usefixtures("activated")
def test_it_is_told_and_asked_until_all_workers_agree(server: FakeServer) -> None:
    HttpService(server.url).serve("shapes", "v1")
    assert server.told == [{"name": "shapes", "version": "v1"}]
    assert server.workers == ["v1", "v1"]


@pytest.mark.usefixtures("home")
def test_one_that_follows_the_champion_is_not_told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_FOLLOWS_WITHIN_S", 30.0)
    server.follows = "v1"
    HttpService(server.url).serve("shapes", "v1")
    assert server.told == []


@pytest.mark.usefixtures("home")
def test_a_busy_worker_that_answers_nothing_is_waited_for(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_FOLLOWS_WITHIN_S", 30.0)
    monkeypatch.setattr(services, "_LOOK_AGAIN_S", 0.01)
    server.follows, server.busy, server.busy_for = "v1", "v2", 3
    HttpService(server.url).serve("shapes", "v1")
    assert server.n_looks == 4
    assert server.told == []


@pytest.mark.usefixtures("home")
def test_one_that_has_begun_to_follow_is_not_told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_FOLLOWS_WITHIN_S", 0.0)
    monkeypatch.setattr(services, "_LOOK_AGAIN_S", 0.01)
    server.workers, server.busy, server.busy_for = ["v1", "v1"], "v2", 3
    HttpService(server.url).serve("shapes", "v1")
    assert server.told == []


@pytest.mark.usefixtures("home")
def test_one_that_has_begun_to_follow_is_not_told_where_a_worker_stays_behind(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "time", Clock())
    server.workers, server.busy, server.busy_for = ["v1", "v1"], "v2", 1_000
    told = r"follows shapes v1, and 10 s later still answers with another one too; look at its"
    with pytest.raises(ServiceRefusedError, match=told):
        HttpService(server.url).serve("shapes", "v1")
    assert server.told == []


@pytest.mark.usefixtures("activated")
def test_a_worker_that_stays_behind_is_told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_AGREES_WITHIN_S", 0.2)
    server.busy, server.busy_for = "v2", 1_000
    with pytest.raises(ServiceRefusedError, match=r"still answers with another one too; look at"):
        HttpService(server.url).serve("shapes", "v1")


@pytest.mark.usefixtures("activated")
@pytest.mark.parametrize(("agrees_for_s", "n_asked"), [(0.0, 8), (0.38, 16), (1.48, 38)])
def test_without_metrics_the_answers_must_agree_for_longer(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, agrees_for_s: float, n_asked: int
) -> None:
    monkeypatch.setattr(services, "time", Clock())
    monkeypatch.setattr(services, "_AGREES_FOR_S", agrees_for_s)
    server.metrics_status = 401
    server.workers = ["v1", "v1"]
    HttpService(server.url).serve("shapes", "v1")
    # After the first eight it asks every 50 ms, and for the metrics once.
    assert (server.n_asked, server.n_looks) == (n_asked, 1)


@pytest.mark.usefixtures("activated")
@pytest.mark.parametrize("status", [429, 500, 502])
def test_metrics_that_fail_are_no_answer(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(services, "time", Clock())
    server.metrics_status = status
    with pytest.raises(ServiceRefusedError, match=r"still answers with another one too; look at"):
        HttpService(server.url).serve("shapes", "v1")
    # Each costs one of the requests that a caller has: twice a second, for ten seconds.
    assert server.n_looks == 21


@pytest.mark.usefixtures("activated")
def test_answers_that_agree_late_and_slowly_are_enough(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(services, "time", clock)
    ready = server.ready

    def slow() -> tuple[int, dict[str, Any]]:
        clock.now += 3.0
        return ready()

    monkeypatch.setattr(server, "ready", slow)
    HttpService(server.url).serve("shapes", "v1")
    assert clock.now > services._AGREES_WITHIN_S


@pytest.mark.usefixtures("home")
def test_one_that_does_not_follow_in_time_is_told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_FOLLOWS_WITHIN_S", 0.05)
    HttpService(server.url).serve("shapes", "v1")
    assert len(server.told) == 1


@pytest.mark.usefixtures("activated")
def test_a_refusal_is_told_on_one_line(server: FakeServer) -> None:
    server.put_status = 409
    told = r"does not serve shapes v1 \(409: VISIONSTACK_MODEL pins the served model\)$"
    with pytest.raises(ServiceRefusedError, match=told):
        HttpService(server.url).serve("shapes", "v1")


@pytest.mark.usefixtures("activated")
def test_workers_that_never_agree_are_told(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_AGREES_WITHIN_S", 0.2)
    monkeypatch.setattr(server, "put", lambda body, key: (200, {}))
    with pytest.raises(ServiceRefusedError, match=r"still answers with another one too; look at"):
        HttpService(server.url).serve("shapes", "v1")


@pytest.mark.usefixtures("activated")
def test_the_admin_key(server: FakeServer) -> None:
    server.key = "secret"
    with pytest.raises(ServiceRefusedError, match=r"asks for the admin key: set VISIONSTACK_ADMIN"):
        HttpService(server.url).serve("shapes", "v1")
    with pytest.raises(ServiceRefusedError, match=r"the key in MINE is not it"):
        HttpService(server.url, "wrong", "MINE").serve("shapes", "v1")
    service = HttpService(server.url, "secret")
    service.serve("shapes", "v1")
    assert "secret" not in repr(service)


@pytest.mark.usefixtures("home")
def test_nothing_answers() -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceAwayError, match=f"^no service answers at {address} "):
        HttpService(address).serve("shapes", "v1")
    with pytest.raises(ServiceAwayError, match="no service answers at nowhere"):
        HttpService("nowhere").serve("shapes", "v1")


def test_where_the_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISIONSTACK_ADMIN_KEY", raising=False)
    assert find_key() is None
    monkeypatch.setenv("VISIONSTACK_ADMIN_KEY", " one , two")
    monkeypatch.setenv("MINE", "three")
    assert (find_key(), find_key("MINE")) == ("one", "three")
    with pytest.raises(ConfigError, match=r"^NOBODYS is not set; set it to the admin key"):
        find_key("NOBODYS")
