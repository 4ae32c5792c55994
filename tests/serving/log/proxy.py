"""A TCP proxy that goes down, is slow, and cuts connections where it hurts."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress


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
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

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
        with suppress(OSError):
            while data := source.recv(65536):
                if is_client and self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    self.n_cut += 1
                    _cut(source)
                    sink.sendall(data)
                    time.sleep(0.2)  # the server does what it was told, and can tell nobody
                    break
                if not is_client:
                    time.sleep(self.latency_s)
                sink.sendall(data)
        for each in (source, sink):
            _cut(each)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
