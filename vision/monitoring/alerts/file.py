"""Adds a line of JSON to a file; lines of several processes never mix."""

from __future__ import annotations

import fcntl
import json
import os

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts.delivery import NotDelivered
from vision.monitoring.alerts.message import Message


def add_line(message: Message, alert: AlertConfig) -> str:
    """Adds the message, whole or not at all; a torn line before it stays a line of its own.

    Returns:
      what happened, in a sentence.

    Raises:
      NotDelivered: the file cannot be written.
    """
    assert alert.path is not None
    values = {"subject": message.subject, "text": message.text, **message.values}
    line = json.dumps(values).encode() + b"\n"
    try:
        alert.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(alert.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            _append(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        why = "not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise NotDelivered(f"{alert.path} cannot be written ({why})") from None
    return "added"


def _append(handle: int, line: bytes) -> None:
    fcntl.flock(handle, fcntl.LOCK_EX)
    end = os.fstat(handle).st_size
    if end and os.pread(handle, 1, end - 1) != b"\n":
        line = b"\n" + line
    try:
        written = os.write(handle, line)
        if written < len(line):
            os.write(handle, line[written:])  # says why: mostly that the disk is full
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, end)
        raise
