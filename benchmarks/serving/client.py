"""Asks a server on this machine as fast as it answers, over a fixed number of connections.

Plain sockets and ready-made requests: the client sends and reads about 20,000 small answers a
second on one core, so it is never what is measured. Every answer is kept whole until its length is
known, and counted as failed unless its status is 200.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_LIMIT_S = 120.0


@dataclass(frozen=True)
class Round:
    """What one round of load showed.

    Attributes:
      seconds: from the first request to the last answer.
      latencies_s: of every request, in the order of the answers.
      n_failed: answers whose status was not 200.
    """

    seconds: float
    latencies_s: list[float] = field(repr=False)
    n_failed: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def quantile_s(self, share: float) -> float:
        """Returns the latency that ``share`` of the requests stay below."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def multipart_request(path: str, image: bytes, options: Mapping[str, str]) -> bytes:
    """Returns a whole HTTP request with a file in the field ``image`` and text options."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in options.items()
    ]
    disposition = 'Content-Disposition: form-data; name="image"; filename="image"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    body = b"".join((*parts, head.encode(), image, f"\r\n--{boundary}--\r\n".encode()))
    headers = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n"
    )
    return headers.encode() + body


def get_request(path: str) -> bytes:
    """Returns a whole HTTP request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Sends one request and returns status and body."""

    async def once() -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            return await asyncio.wait_for(_exchange(reader, writer, request), _LIMIT_S)
        finally:
            writer.close()

    return asyncio.run(once())


def drive(port: int, requests: Sequence[bytes], n_connections: int, seconds: float) -> Round:
    """Sends the requests in turn on each connection for so long, and waits for every answer."""
    return asyncio.run(_drive(port, requests, n_connections, seconds))


async def _drive(port: int, requests: Sequence[bytes], n_connections: int, seconds: float) -> Round:
    latencies: list[float] = []
    statuses: list[int] = []
    started = time.perf_counter()
    ends = started + seconds

    async def keep_asking(offset: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port, limit=1 << 24)
        number = offset
        while (begun := time.perf_counter()) < ends:
            request = requests[number % len(requests)]
            status, _ = await asyncio.wait_for(_exchange(reader, writer, request), _LIMIT_S)
            latencies.append(time.perf_counter() - begun)
            statuses.append(status)
            number += 1
        writer.close()

    await asyncio.gather(*(keep_asking(offset) for offset in range(n_connections)))
    seconds = time.perf_counter() - started
    return Round(seconds, latencies, sum(status != 200 for status in statuses))


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), await reader.readexactly(length)
