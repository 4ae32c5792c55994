"""Who is told when the state of a served model changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from vision.config.rules import broken_rule
from vision.config.section import Section


def _is_variable(name: str) -> str:
    if not name.isidentifier() or not name.isascii():
        # A type of its own, so that what may be the secret itself is not shown with the rule.
        raise PydanticCustomError(
            "secret_given", "must be the name of an environment variable, not the secret itself"
        )
    return name


def _is_address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("must be an e-mail address alone, such as team@example.org")
    return address


def _is_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("must be a server's name or address, without port or protocol")
    return host


# Neither white space, which could begin another header, nor what separates addresses.
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
Variable = Annotated[str, AfterValidator(_is_variable)]
Address = Annotated[str, AfterValidator(_is_address)]
_NEEDS = {"webhook": ("url_from",), "email": ("sender", "to", "host"), "file": ("path",)}


class AlertConfig(Section):
    """One way to tell people; secrets are named by their environment variable.

    Attributes:
      kind: ``log`` (a line of the run), ``webhook``, ``email`` or ``file`` (a line of JSON each).
      shape: of the webhook's message.
      url_from: environment variable that holds the webhook's address, which is a secret.
      sender: address that an e-mail comes from.
      to: addresses that an e-mail goes to.
      host: the SMTP server.
      port: its port.
      security: how the connection to it is encrypted.
      user_from: environment variable that holds the user's name at the SMTP server.
      password_from: environment variable that holds the password.
      path: the file that lines are added to.
    """

    kind: Literal["log", "webhook", "email", "file"]
    shape: Literal["json", "slack", "mattermost", "teams"] = "json"
    url_from: Variable | None = None
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    host: Annotated[str, AfterValidator(_is_host)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user_from: Variable | None = None
    password_from: Variable | None = None
    path: Path | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> AlertConfig:
        for key in _NEEDS.get(self.kind, ()):
            if not getattr(self, key):
                raise broken_rule(f"an alert of kind {self.kind} needs {key}", key, "kind")
        for key, other in (("user_from", "password_from"), ("password_from", "user_from")):
            if getattr(self, key) and not getattr(self, other):
                raise broken_rule(f"{key} needs {other} beside it", other, key)
        if self.password_from and self.security == "none" and self.host not in _THIS_MACHINE:
            needed = "security: none would send the password in the clear; use starttls or tls"
            raise broken_rule(needed, "security", "password_from")
        return self
