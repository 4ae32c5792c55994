"""A stand-in for the service on a port of its own: it notes what arrives and answers as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CLASSES = ["blue", "green", "red"]


@dataclass
class FakeService:
    """What the service was asked, and how it answers.

    Attributes:
      drifts_after: images after which answers and ``/drift`` say drift; None for never.
      every_n: images after which it checks, unless it ``never_checks``.
      busy: statuses that the next requests to ``/predict`` get, one each.
      key: asked for, where there is one.
      model: what ``/model`` says.
      on_image: called for each image, with its number from 0.
    """

    url: str = ""
    drifts_after: int | None = None
    every_n: int = 10
    never_checks: bool = False
    busy: list[int] = field(default_factory=list)
    key: str = ""
    model: dict[str, Any] = field(
        default_factory=lambda: {"name": "colours", "version": "v1", "classes": CLASSES}
    )
    on_image: Callable[[int], None] | None = None
    images: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    feedback: dict[str, list[str]] = field(default_factory=dict)
    connections: set[int] = field(default_factory=set)
    request_ids: list[str] = field(default_factory=list)
    n_asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def verdict(self, n_images: int | None = None) -> dict[str, Any]:
        n_seen = len(self.images) if n_images is None else n_images
        n_seen = 0 if self.never_checks else n_seen
        n_checked = n_seen // self.every_n * self.every_n
        if not n_checked:
            return {"status": "unknown", "checked_at": None, "n_images": 0}
        is_drift = self.drifts_after is not None and n_checked >= self.drifts_after
        return {
            "status": "drift" if is_drift else "ok",
            "checked_at": f"2026-01-01T00:00:{n_checked:06d}Z",
            "n_images": n_checked,
        }

    def drift(self) -> dict[str, Any]:
        verdict = self.verdict()
        moved = ["uae"] if verdict["status"] == "drift" else []
        history = [self.verdict(n) for n in range(self.every_n, len(self.images) + 1, self.every_n)]
        for check in history:
            check["moved"] = ["uae", "bbsd"] if check["status"] == "drift" else []
        return {
            "verdict": verdict,
            "moved": moved,
            "every_n": self.every_n,
            "window": 50,
            "n_waiting": min(50, len(self.images)),
            "history": history,
        }

    def take(self, data: bytes) -> tuple[int, dict[str, Any]]:
        with self.lock:
            if self.busy:
                return self.busy.pop(0), {"detail": "Too many requests wait."}
            number = len(self.images)
            drift = self.verdict()
            self.images.append(data)
            self.times.append(time.monotonic())
        if self.on_image is not None:
            self.on_image(number)
        return 200, {"request_id": f"r{number}", "prediction": {"label": "red"}, "drift": drift}


@contextmanager
def serving(service: FakeService) -> Iterator[FakeService]:
    """Serves inside the block; ``service.url`` is where."""
    server = _Server(service)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self, service: FakeService) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # else head and body are two packets, and the second waits 40 ms
    server: _Server

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        service = self.server.service
        if self._is_let_in():
            known = {"/model": lambda: service.model, "/drift": service.drift}
            found = known.get(self.path)
            self._answer(*((200, found()) if found else (404, {"detail": "No such path."})))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._is_let_in():
            return
        if self.path == "/feedback":
            given = json.loads(body)
            self.server.service.feedback[given["request_id"]] = given["labels"]
            assert given["who"] == "run.py simulate"
            self._answer(202, {"feedback_id": "f"})
        else:
            self._answer(*self.server.service.take(self._file(body)))

    def _is_let_in(self) -> bool:
        service = self.server.service
        service.n_asked += 1
        service.request_ids.append(self.headers["X-Request-ID"])
        service.connections.add(self.client_address[1])
        if not service.key or self.headers.get("Authorization") == f"Bearer {service.key}":
            return True
        self._answer(401, {"detail": "A key is needed."})
        return False

    def _file(self, body: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        [part] = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()
        assert part.get_param("name", header="Content-Disposition") == "image"
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return content

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(data)
