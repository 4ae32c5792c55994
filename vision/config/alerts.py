"""Who is told when the state of a served model changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vision.config.rules import broken_rule
from vision.config.section import Section


def _is_variable(name: str) -> str:
    if not name.isidentifier() or not name.isascii():
        raise ValueError("must be the name of an environment variable, not the secret itself")
    return name


Variable = Annotated[str, AfterValidator(_is_variable)]
_NEEDS = {"webhook": ("url_from",), "email": ("sender", "to", "host"), "file": ("path",)}


class AlertConfig(Section):
    """One way to tell people; secrets are named by their environment variable.

    Attributes:
      kind: ``log`` (a line of the run), ``webhook``, ``email`` or ``file`` (a line of JSON each).
      shape: of the webhook's message.
      url_from: environment variable that holds the webhook's address.
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
    sender: str | None = None
    to: tuple[str, ...] = ()
    host: str | None = None
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
        return self
