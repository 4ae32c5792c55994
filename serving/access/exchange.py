"""One request and its response on their way through the door."""

from __future__ import annotations

import re
import secrets
import uuid

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from serving.access.headers import RawHeader, add_headers
from serving.access.room import WaitingRoom
from serving.problems import ProblemError, problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,47}")
# 64 random bits: of a billion requests behind one X-Request-ID, two share an id once in 37 times.
_NEW_BYTES = 8


class Exchange:
    """One request and its response.

    Args:
      scope: what is asked.
      receive: gives the request's body.
      send: takes the response.
      room: where the request waits.
      extra: headers of the response, besides those that every response gets.

    Attributes:
      request_id: a new one, behind the caller's own where that is safe.
      status: of the response; 0 until it begins.
      is_admitted: whether the request has come in.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        room: WaitingRoom,
        extra: tuple[RawHeader, ...],
    ) -> None:
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        self.request_id = _new_id(asked)
        self.status = 0
        self.is_admitted = False
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._is_body_left = has_body
        self._scope, self._receive, self._send = scope, receive, send
        self._extra = ((b"x-request-id", self.request_id.encode()), *extra)
        self._room = room
        self._is_limited = self._is_inside = False
        self._n_bytes = 0

    def enter(self) -> None:
        """Takes a place in the waiting room, or makes sure of one that is free for now.

        Raises:
          ProblemError: 429.
        """
        self._is_limited = True
        if self._is_body_left:
            self._room.check()
        else:
            self._take_place()

    def leave(self) -> None:
        """Gives back what the request holds."""
        self._give_place()
        self._room.release(self._n_bytes)
        self._n_bytes = 0

    async def receive(self) -> Message:
        """Passes the next piece of the body on.

        Raises:
          ProblemError: 429, the body is complete and no place is free any more.
        """
        message = await self._receive()
        if not self._is_body_left or message["type"] != "http.request":
            return message
        self._is_body_left = message.get("more_body", False)
        if self._is_limited:
            n_bytes = len(message.get("body", b""))
            self._room.hold(n_bytes, self._n_bytes)
            self._n_bytes += n_bytes
            if not self._is_body_left:
                self._take_place()
        return message

    async def send(self, message: Message) -> None:
        """Passes the next piece of the response on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # The work is done; how fast the client reads does not matter to those who wait.
            self._give_place()
            add_headers(message, self._extra)
            if self._is_body_left:
                # Else the server reads the rest of the body only to throw it away.
                message["headers"].append((b"connection", b"close"))
        await self._send(message)

    async def refuse(self, problem: ProblemError) -> None:
        """Answers with a problem, unless the answer has begun."""
        self._scope["state"]["problem"] = problem.kind.name
        if not self.status:
            response = problem_response(problem, self.request_id)
            await response(self._scope, self.receive, self.send)

    def _take_place(self) -> None:
        self._room.enter()
        self._is_inside = True

    def _give_place(self) -> None:
        if self._is_inside:
            self._room.leave()
            self._is_inside = False


def _new_id(asked: str) -> str:
    """Returns an id of at most 64 characters that no other request has, whatever was asked for."""
    if _REQUEST_ID.fullmatch(asked):
        return f"{asked}-{secrets.token_hex(_NEW_BYTES)}"
    return uuid.uuid4().hex
