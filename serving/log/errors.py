"""What the prediction log raises on purpose."""

from __future__ import annotations

from vision.errors import VisionError


class LogError(VisionError):
    """The prediction log cannot be read or changed: its database is down, missing or not ours."""


class NoLogError(LogError):
    """There is no prediction log: no service has made one."""
