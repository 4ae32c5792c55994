"""A TCP proxy that goes down, is slow, and cuts connections where it hurts."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from tests.servers import free_port

# Bytes that are kept of what was passed on: a text to cut after is no longer than that.
_LONGEST_TEXT = 100


class Proxy:
    """Passes bytes between clients and a server on this machine.

    Attributes:
      port: where clients connect; the same after :meth:`down` and :meth:`up`.
      latency_s: waited before each answer of the server is passed on.
      cut_after: client bytes; once they were passed on, the client's connection is cut without
        an answer, and this is None again.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.latency_s = 0.0
        self.cut_after: bytes | None = None
        self.n_cut = 0
        self.port = free_port()

    def up(self) -> None:
        """Accepts connections."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Refuses connections and cuts those that are open."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._guard:
            for each in self._open:
                _cut(each)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            with self._guard:
                self._open |= {client, server}
            for source, sink, is_client in ((client, server, True), (server, client, False)):
                arguments = (source, sink, is_client)
                threading.Thread(target=self._pump, args=arguments, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_client: bool) -> None:
        before = b""
        with suppress(OSError):
            while data := source.recv(65536):
                if is_client and self._is_last(before, data):
                    self.cut_after = None
                    self.n_cut += 1
                    _cut(source)
                    sink.sendall(data)
                    time.sleep(0.2)  # the server does what it was told, and can tell nobody
                    break
                if not is_client:
                    time.sleep(self.latency_s)
                sink.sendall(data)
                before = (before + data)[-_LONGEST_TEXT:]
        for each in (source, sink):
            _cut(each)

    def _is_last(self, before: bytes, data: bytes) -> bool:
        """Tells whether the text to cut after ends in ``data``, wherever it begins."""
        text = self.cut_after
        if text is None:
            return False
        begun = before[max(0, len(before) - len(text) + 1) :]
        return text in begun + data


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
